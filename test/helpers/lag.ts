/** Time in which this process was not given the machine, ms: on a busy one that is nobody's wait. */
export function lagMeter() {
  let at = performance.now()
  const lag = {
    ms: 0,
    stop: () => clearInterval(timer),
  }
  const timer = setInterval(() => {
    const now = performance.now()
    lag.ms += Math.max(0, now - at - 30)
    at = now
  }, 25)
  return lag
}

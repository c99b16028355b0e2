/** Express 4 under a second name, typed by the types of Express 5. In your app: @types/express 4. */
declare module 'express4' {
  export { default } from 'express'
}

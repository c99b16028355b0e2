/** Who a request belongs to, as said by a host that has authenticated it already. */
export interface Identity {
  /** Also an integer or an ObjectId: it goes by its text. */
  user_id: string
  org_id?: string | undefined
  tier?: string | undefined
  /** `admin` and `service` open the routes of that name; anything else is a user. */
  role?: string | undefined
  roles?: readonly string[] | undefined
}

# Pages for operators: inventory, accounts, cluster.

# Inventory
inventory-purpose = Every token of the server: who holds what, how old it is, when it ends and when it was last used.
inventory-none = There is no token on this server yet.
inventory-wrong = One of the filters is no id, day, path or permission that this server knows.
inventory-more = More filters
inventory-either = Either
any-kind = Any kind
inventory-role = Role
inventory-kind = Kind
inventory-holder-id = Id of the holder
inventory-issuer-id = Id of whoever made it
inventory-permission = May do, such as files:read
inventory-node = At or below a place, such as /sales
inventory-created-after = Created from
inventory-created-before = Created before
inventory-expires-after = Expires from
inventory-expires-before = Expires before
inventory-used-after = Last used from
inventory-used-before = Last used before
inventory-ends = End
inventory-never-ends = Never expires
inventory-some-day = Expires some day
inventory-uses = Use
inventory-never-used = Never used
inventory-was-used = Was used
inventory-count = { $count ->
    [one] 1 token
   *[other] { $tokens } tokens
  }
inventory-accounts = { $count ->
    [one] of 1 account
   *[other] of { $count } accounts
  }
inventory-by-status = By status
inventory-by-holder = Most tokens
inventory-by-role = By role
inventory-by-kind = By kind
inventory-by-age = By age
inventory-by-expiry = Until they expire
inventory-by-use = Since they were used
inventory-no-role = Other permissions
kind-pat = of members
kind-sat = of service accounts
kind-ses = logins
bucket-past = Expired already
bucket-days-7 = Within 7 days
bucket-days-30 = 7 to 30 days
bucket-days-90 = 30 to 90 days
bucket-days-365 = 90 to 365 days
bucket-longer = Longer
bucket-never-ends = Never
bucket-never-used = Never used
column-account = Account
column-holder = Held by
column-may = Permissions
column-status = Status
inventory-revoke = Revoke all of these
inventory-revoke-title = { $count ->
    [one] Revoke 1 token?
   *[other] Revoke { $tokens } tokens?
  }
inventory-revoke-button = { $count ->
    [one] Revoke 1 token
   *[other] Revoke { $tokens } tokens
  }
inventory-revoke-sentence = These and no others, with those that they replaced: calls with them are refused from the moment you confirm. If others match by then, nothing is revoked and you look again.
inventory-revoke-all = Filter first: nobody revokes every token of a server at once here.
inventory-yours = What you are signed in with is among them: you are signed out when you confirm.
inventory-of-accounts = Of accounts
inventory-more-accounts = { $count ->
    [one] and of 1 more
   *[other] and of { $count } more
  }
inventory-examples = The newest
inventory-nothing = Nothing that still works matches this filter.
inventory-changed = Other tokens match by now than those you saw. Here is what matches now; look again before you confirm.
done-inventory = They are revoked, and the journal tells of all of them.

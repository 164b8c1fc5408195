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

# Accounts
accounts-purpose = The customers of this server, each with its own members, roles, policy and tokens.
accounts-add = Add an account
account-preset = Preset
account-external-id = Id in the product
account-is-open = open
account-is-closed = closed
account-is-yours = You work here
account-new-title = Add an account
account-new-how = It takes copies of the preset’s policy and roles. Nobody is in it until you add its first member.
account-id-how = 2 to 40 characters from a–z, 0–9 and -. It never changes.
account-wrong-id = Choose 2 to 40 characters from a–z, 0–9 and -, other than by-external-id.
account-preset-how = The product that its token pages are like. The policy can be changed later.
account-external-id-how = By which the product’s own backend finds it again.
account-create = Add the account
account-tokens = Tokens
account-tokens-of = work, of { $tokens }
account-tokens-stopped = tokens, all stopped
account-close = Close
account-open = Reopen
account-close-title = Close { $name }?
account-close-sentence = { $count ->
    [0] No token of it works now. Nobody can sign in to it any more, until it is reopened.
    [one] 1 token stops at once, and everybody in it is signed out. Reopening it brings back what has not ended meanwhile.
   *[other] { $tokens } tokens stop at once, and everybody in it is signed out. Reopening it brings back what has not ended meanwhile.
  }
account-close-button = Close the account
account-open-title = Reopen { $name }?
account-open-sentence = What was good when it was closed, and has not ended since, works again from the moment you confirm.
account-open-button = Reopen the account
account-first = Its first member
account-first-how = Nobody is in it yet. Whoever you add can add the others.
account-role = Role
account-password = Password
account-password-how = 12 characters or more, for somebody who is new on this server. Whoever could sign in already keeps theirs.
account-add-member = Add the member
done-account-created = The account is there.
done-account-closed = The account is closed.
done-account-opened = The account is open again.
done-account-member = The member is added.

# Cluster
cluster-purpose = This server as it is now, as far as this process knows. Measures over time are at /metrics.
cluster-store = Store
cluster-well = It takes changes
cluster-full = Hardly any room is left: it only takes what ends something
cluster-stands = It takes no changes now
cluster-kind = Kept in
cluster-sqlite = SQLite, by this process alone
cluster-postgres = PostgreSQL, by all peers
cluster-version = Version
cluster-position = Journal applied up to entry
cluster-head = Last entry of the journal
cluster-committed = Changes since it was started
cluster-waiting = Changes and reads that wait
cluster-failed = Decided again · outcome unknown · refused for want of room
cluster-room = Free room on the disk
cluster-tokens = Tokens in memory
cluster-listed = Tokens that lists have in memory
cluster-misses = Questions that memory could not answer
cluster-peers = { $count ->
    [one] 1 peer
   *[other] { $count } peers
  }
cluster-peer = Peer
cluster-own = this one
cluster-current = up to date
cluster-behind = { $count ->
    [one] 1 entry behind
   *[other] { $count } entries behind
  }
cluster-silent = silent
cluster-heard = Last heard of
cluster-seconds = { $count ->
    [0] now
    [one] 1 second ago
   *[other] { $count } seconds ago
  }
cluster-schema = Schema it knows

# Members, service accounts and roles.

# Whom the pages are about
members-title = Members
members-purpose = Who works in this account, and what each of them may do.
members-add = Add member
members-add-sentence = Somebody with an e-mail address and a password can sign in. Somebody without an address is known by what your product calls them.
members-none = No members
members-teach = Members hold tokens and sign in here.
service-accounts-title = Service accounts
service-accounts-purpose = Programs that hold tokens of their own, so that none hangs on one person.
service-accounts-add = Add service account
service-accounts-add-sentence = It holds tokens, and nobody signs in as it.
service-accounts-none = No service accounts yet
service-accounts-teach = Make one for each program that needs tokens. They go on working when the person who made them leaves.

column-role = Role
column-standing = Status
column-joined = Added
roles-more = { $count ->
    [one] and 1 more
   *[other] and { $count } more
  }
standing-active = active
standing-inactive = deactivated
inactive-since = Since { $when }
this-is-you = This is you
change-role = Change role
edit = Edit
deactivate = Deactivate
reactivate = Reactivate
remove = Remove

# Adding
email-hint = With an address somebody can sign in, once they have a password.
first-password = First password
first-password-hint = 12 characters or more. Hand it over in person, and have it changed.
where = Where
whole-account = The whole account
path-hint = A path such as /sales, or / for the whole account.
external-id = Id in your product
external-id-hint = What your product calls this one. By it the product finds them and gives them roles.
wrong-place = There is no such place; a path reads /sales or /sales/prod.
wrong-role = Choose a role.

# One of them
no-sign-in = Not here: no e-mail address is known, so only your product brings them in. Invite them by their address to change that.
no-sign-in-yet = Not yet: they have to open an invitation and choose a password.
roles-title = Roles
roles-sentence = A role holds at its place and everywhere below.
tokens-working = { $count ->
    [0] None works
    [one] 1 works
   *[other] { $count } work
  }
tokens-suspended = { $count } suspended
tokens-pending = { $count } waiting for approval
see-tokens = See the tokens

# Changing roles
roles-of = Roles of { $name }
role-sentence = Tokens that follow their holder can do what the role allows from the moment you save.
role-everywhere = In the whole account
roles-below = At places of the tree
roles-below-hint = A row without a role is left out.
no-role = No role
role-row = Role { $count }
place-row = Place { $count }
wrong-row = Choose a place for each role.
wrong-no-role = Leave at least one role. To take everything away, deactivate or remove them.
holders-conflict = Somebody else changed this meanwhile. Open it again to see how it is now.
holders-closed = This cannot be done as things are now, or not by you.

# What is done in one step
members-deactivate-title = Deactivate { $name }?
members-deactivate-button = Deactivate this member
members-reactivate-title = Reactivate { $name }?
members-reactivate-button = Reactivate this member
members-remove-title = Remove { $name }?
members-remove-button = Remove this member
members-remove-for-good = They leave this account for good. The journal and their tokens keep their name.
service-accounts-deactivate-title = Deactivate { $name }?
service-accounts-deactivate-button = Deactivate this service account
service-accounts-reactivate-title = Reactivate { $name }?
service-accounts-reactivate-button = Reactivate this service account
service-accounts-remove-title = Remove { $name }?
service-accounts-remove-button = Remove this service account
service-accounts-remove-for-good = It goes for good. The journal and its tokens keep its name.
act-on-yourself = This is you. You are signed out and cannot undo it yourself.
deactivate-stops = { $count ->
    [0] None of their tokens works now, so none stops.
    [one] 1 token stops at once.
   *[other] { $count } tokens stop at once.
  }
deactivate-stops-uncounted = Every token stops at once.
deactivate-keeps = { $count ->
    [0] No token works now.
    [one] 1 token works on: this account's policy keeps it.
   *[other] { $count } tokens work on: this account's policy keeps them.
  }
deactivate-keeps-uncounted = The tokens work on: this account's policy keeps them.
deactivate-sessions = They are signed out everywhere.
deactivate-restores = Reactivating makes the tokens work again.
deactivate-approves = After reactivating, each token waits until a manager approves it.
reactivate-keeps = The tokens were never stopped: this account's policy keeps them.
reactivate-sessions = They can sign in again.
reactivate-restores = { $count ->
    [0] No token of theirs was suspended.
    [one] 1 token works again at once.
   *[other] { $count } tokens work again at once.
  }
reactivate-restores-uncounted = The tokens work again at once.
reactivate-approves = { $count ->
    [0] No token of theirs was suspended.
    [one] 1 token waits until a manager approves it.
   *[other] { $count } tokens wait until a manager approves each of them.
  }
reactivate-approves-uncounted = The tokens wait until a manager approves each of them.
remove-deletes = { $count ->
    [0] No token is lost.
    [one] 1 token is deleted, at once.
   *[other] { $count } tokens are deleted, at once.
  }
remove-deletes-uncounted = All of the tokens are deleted, at once.
remove-keeps = { $count ->
    [0] No token works now.
    [one] 1 token works on: this account's policy keeps it.
   *[other] { $count } tokens work on: this account's policy keeps them.
  }
remove-keeps-uncounted = The tokens work on: this account's policy keeps them.
remove-none = There is no active token that would stand in the way.
remove-refused = { $count ->
    [one] 1 token is still active, and this account's policy removes nobody who has one. Delete it first.
   *[other] { $count } tokens are still active, and this account's policy removes nobody who has some. Delete them first.
  }

done-members-added = The member is there.
done-members-edited = The member is changed.
done-members-roles-changed = The roles are changed.
done-members-deactivated = The member is deactivated.
done-members-reactivated = The member is active again.
done-members-removed = The member is removed.
done-service-accounts-added = The service account is there.
done-service-accounts-edited = The service account is changed.
done-service-accounts-roles-changed = The roles are changed.
done-service-accounts-deactivated = The service account is deactivated.
done-service-accounts-reactivated = The service account is active again.
done-service-accounts-removed = The service account is removed.

# Roles
role-list-title = Roles
role-list-purpose = A role is a named set of permissions. Members and tokens that have it follow its edits at once.
add-role = Add role
column-role-may = May do
column-held-by = Held by
strongest = Strongest
role-all = Everything
all-actions = all
role-nothing = Nothing
role-desk-only = In the console: { $desk }
held-by = { $count ->
    [0] Nobody
    [one] 1 member or service account
   *[other] { $count } members and service accounts
  }
held-by-short = { $count ->
    [0] Nobody
   *[other] { $count }
  }
role-new-sentence = It begins as the weakest. Nobody has it until you give it to somebody.
role-name-hint = Members and tokens name it by this.
permissions = Permissions
product-permissions = In the product
desk-permissions = In the console and the API that keeps it
desk-permissions-hint = Who may see and change tokens, members, roles and the rest of this account.
not-yours = You may not give this.
allowed = allowed
not-allowed = not allowed
role-locked-strongest = The strongest role keeps all its permissions, so that somebody can always set things right.
role-read-only = You can look at this role. To change it you need to be allowed everything that it allows.
role-review = Look before you save
role-review-title = Who would lose or gain what?
role-review-sentence = Nothing is saved yet. These are the people and programs whose rights would change.
role-tokens-lose = { $count ->
    [0] No token would do less.
    [one] 1 token would do less.
   *[other] { $count } tokens would do less.
  }
role-tokens-gain = { $count ->
    [0] No token would do more.
    [one] 1 token would do more.
   *[other] { $count } tokens would do more.
  }
role-tokens-uncounted = There are more tokens than this server keeps in memory, so it is not known how many would change.
role-holders-change = { $count ->
    [0] No member and no service account would notice.
    [one] The rights of 1 member or service account would change.
   *[other] The rights of { $count } members and service accounts would change.
  }
role-holders-unnamed = { $count ->
    [one] 1 more is not shown.
   *[other] { $count } more are not shown.
  }
column-who = Who
column-loses = Loses
column-gains = Gains
column-tokens = Tokens
nothing = –
tokens-less = { $count ->
    [one] 1 does less
   *[other] { $count } do less
  }
tokens-more = { $count ->
    [one] 1 does more
   *[other] { $count } do more
  }
save-anyway = Save the role
back-to-editing = Back
role-moved-on = Somebody changed this account meanwhile. This is how it would be now.
role-delete-title = Delete the role { $name }?
role-delete-sentence = It goes for good. This works only while nobody has it, neither a member nor a token.
role-delete-button = Delete this role
role-delete = Delete
role-held = { $count ->
    [one] 1 member or service account still has it. Give them another role first.
   *[other] { $count } members and service accounts still have it. Give them another role first.
  }
done-roles-added = The role is there.
done-roles-edited = The role is changed.
done-roles-deleted = The role is deleted.

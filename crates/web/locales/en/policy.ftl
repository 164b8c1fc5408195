# The policy: its pages, and every switch in words.

policy-purpose = What this account decides about its tokens. It applies to all of them at once.
policy-begun = It began as the preset { $preset }.
policy-change = Change
policy-yes = Yes
policy-no = No
policy-none = None
policy-everybody = Everybody
policy-nobody = Nobody
policy-days = { $days } days before
policy-waits = This version keeps it and does nothing about it yet.
policy-no-words = The pages use jeton’s own words.
policy-words = { $count ->
    [one] 1 word of this account’s own
   *[other] { $count } words of this account’s own
  }
policy-words-how = What the pages call things and say. {"{"}name{"}"} stands for the token’s name, {"{"}role{"}"} for its role, {"{"}max{"}"} for the limit. A sentence that is empty is not shown.
policy-words-open = Show the words
policy-edit-title = Change the policy
policy-edit-how = Nothing is changed yet: first you see which switches change and what becomes of the tokens.
policy-presets = Start from a preset
policy-presets-how = The form is filled with the preset’s switches and words, in place of the account’s.
policy-from = These are the switches of { $preset }.
policy-kept = It names roles that this account does not have, so its own stay for:
policy-review = See what changes
policy-wrong = Some switches do not fit together; what is wrong stands beside each.
policy-contradiction = This does not fit together:
policy-same = Nothing is set otherwise than it is.
policy-review-title = Change the policy like this?
policy-review-how = It applies to all tokens from the moment you confirm.
policy-changes = { $count ->
    [one] 1 switch changes
   *[other] { $count } switches change
  }
policy-switch = Switch
policy-was = Now
policy-is = Then
policy-save = Change the policy
policy-back = Change something else
policy-not-sent = Open the form and send it again; this was no policy that it wrote.
policy-conflict = Somebody else changed this account meanwhile. Look again at what would change now.
done-policy = The policy is changed.
switch-word = Word “{ $key }”
unit-minutes = minutes
wrong-choice = Choose one of the list.
wrong-number = Give a whole number.
wrong-days = Give whole numbers of days, such as 30, 7, 1.
wrong-scheme = Give words such as Bearer or Basic, or a header with a colon such as x-token:, with commas between.

# What becomes of the tokens
outlook-title = What becomes of the tokens
outlook-calm = { $count ->
    [0] There is no token yet.
    [one] The one token that there is stays as it is.
   *[other] All { $tokens } tokens stay as they are.
  }
outlook-unknown = There are more tokens than this server is set to count, so nobody can say how many change.
outlook-expire = { $count ->
    [one] 1 token expires at once: programs that use it are refused.
   *[other] { $tokens } tokens expire at once: programs that use them are refused.
  }
outlook-suspend = { $count ->
    [one] 1 token is suspended at once: programs that use it are refused.
   *[other] { $tokens } tokens are suspended at once: programs that use them are refused.
  }
outlook-revive = { $count ->
    [one] 1 expired token works again.
   *[other] { $tokens } expired tokens work again.
  }
outlook-resume = { $count ->
    [one] 1 suspended token works again.
   *[other] { $tokens } suspended tokens work again.
  }
outlook-sooner = { $count ->
    [one] 1 token goes on working and ends sooner.
   *[other] { $tokens } tokens go on working and end sooner.
  }
outlook-later = { $count ->
    [one] 1 token may go on for longer.
   *[other] { $tokens } tokens may go on for longer.
  }
outlook-soon = { $count ->
    [one] 1 token is then among those that end soon.
   *[other] { $tokens } tokens are then among those that end soon.
  }
outlook-less = { $count ->
    [one] 1 token can do less.
   *[other] { $tokens } tokens can do less.
  }
outlook-more = { $count ->
    [one] 1 token can do more.
   *[other] { $tokens } tokens can do more.
  }
outlook-other = { $count ->
    [one] 1 token can do other things than before.
   *[other] { $tokens } tokens can do other things than before.
  }

# The groups
policy-group-creating = Who may create
policy-group-managing = Who sees and manages
policy-group-doing = What a token may do
policy-group-secret = The secret
policy-group-living = How long it lives
policy-group-ending = How it ends
policy-group-leaving = People who leave
policy-group-notices = Notices
policy-group-signing-in = Signing in
policy-group-words = Words

# Who may create
switch-create-roles = Who may create tokens
switch-create-roles-means = Members with one of these roles.
switch-create-holder = For whom
switch-create-holder-means = Whom a new token may act for. For others than oneself only those who manage may choose.
option-create-holder-caller = Oneself
option-create-holder-member = Another member
option-create-holder-service-account = A service account
switch-create-reauth = Password first
switch-create-reauth-means = Whoever signed in more than 5 minutes ago types their password before a token is made.
switch-create-approval = Approval first
switch-create-approval-means = A new token waits until somebody who manages approves it.
switch-fields = Fields of the form
switch-fields-means = What can be said of a new token; anything else is refused.
option-fields-name = Name
option-fields-description = Description
option-fields-permission = Permissions
option-fields-node = Place
option-fields-expiry = End
option-fields-not-before = Beginning
option-fields-holder = Holder
option-fields-metadata = Metadata
option-fields-conditions = Conditions
option-fields-limits = Limits
switch-names = Names
switch-names-means = Whether two tokens of the account may have the same name.
option-names-any = May repeat
option-names-unique = Each only once
switch-limit-max = How many at most
switch-limit-max-means = Those who have more keep them and make no more. Empty: no limit.
option-limit-max-nothing = No limit
switch-limit-per = Counted per
switch-limit-per-means = Whose tokens are counted together.
option-limit-per-holder = Holder
option-limit-per-account = Account
switch-limit-counts = What counts
switch-limit-counts-means = Tokens in these states take a place.
option-limit-counts-active = Active
option-limit-counts-pending = Pending
option-limit-counts-suspended = Suspended
option-limit-counts-revoked = Revoked
option-limit-counts-expired = Expired

# Who sees and manages
switch-managers = Who manages
switch-managers-means = Members with one of these roles list and manage everybody’s tokens.
switch-visibility = What others see
switch-visibility-means = What those see who do not manage.
option-visibility-none = Nothing: the page is not there for them
option-visibility-own = Their own tokens
option-visibility-all = All tokens
switch-edit = Tokens can be edited
switch-edit-means = Name, description, end and metadata; permissions can only become fewer.

# What a token may do
switch-permission-modes = How permissions are chosen
switch-permission-modes-means = The choices of the form. None where every token has the same role.
option-permission-modes-inherit = Whatever its maker may do
option-permission-modes-role = A role
option-permission-modes-access = A level of access
option-permission-modes-list = Permissions by name
option-permission-modes-nothing = No choice
switch-permission-fixed = The same role for all
switch-permission-fixed-means = Every token has this role.
switch-permission-cap = At most what its maker may do
switch-permission-cap-means = Nobody gives a token more than they have themselves.
switch-permission-ceiling = When its holder loses rights
switch-permission-ceiling-means = Whether a token can do more than its holder may do at that moment.
option-permission-ceiling-live = The token loses them too
option-permission-ceiling-frozen = The token keeps them
switch-reach = Tokens at the desk
switch-reach-means = Whether tokens may work on tokens, members, roles and the policy themselves.
option-reach-resources = No, only on the product
option-reach-everything = Yes, as far as their permissions go

# The secret
switch-secret = How often it is shown
switch-secret-means = What is kept can be shown again, and could be stolen.
option-secret-once = Once, when it is made
option-secret-recoverable = Whenever its holder or a manager asks
switch-reveal-reauth = Password before it is shown again
switch-reveal-reauth-means = Whoever signed in more than 5 minutes ago types their password first.
switch-example = Example beside it
switch-example-means = What is shown with a new secret, to be pasted.
option-example-none = None
option-example-curl = A call with curl
option-example-header = The line of the header
option-example-both = Both
switch-schemes = How it is sent
switch-schemes-means = What gateways and dialects take, the usual one first. jeton’s own API takes Bearer in any case.
switch-brand = What it begins with
switch-brand-means = The first part of a new token’s text. Older tokens keep theirs.
switch-cache-ms = How long a verdict may be trusted
switch-cache-ms-means = In milliseconds, by services that ask. A revocation waits as long before it is answered.
option-cache-ms-count = { $count } ms

# How long it lives
switch-expiry-modes = How an end is chosen
switch-expiry-modes-means = The choices of the form. None where every token has the same life.
option-expiry-modes-never = Never
option-expiry-modes-date = On a date
option-expiry-modes-period = After a time
option-expiry-modes-nothing = No choice
switch-expiry-default = When nothing is chosen
switch-expiry-default-means = The life of a token for which nobody said anything else.
option-expiry-default-nothing = It never ends
switch-expiry-fixed = The same life for all
switch-expiry-fixed-means = Every new token ends after this time.
switch-expiry-max = Longest life
switch-expiry-max-means = No token lives longer than this, those that exist included.
option-expiry-max-nothing = As long as one likes
switch-idle = Unused
switch-idle-means = A token that nobody used for this long stops working.
option-idle-nothing = It may rest for ever
switch-rotate-allowed = Tokens can be rotated
switch-rotate-allowed-means = A token gets a new secret with the same rights and the same length of life.
switch-rotate-grace-max = Grace after a rotation
switch-rotate-grace-max-means = For how long the old secret may stay good, at most.
option-rotate-grace-max-nothing = None: it stops at once

# How it ends
switch-removal = What can be done with a token
switch-removal-means = Approving brings a revoked one back before its end.
option-removal-revoke = Revoke
option-removal-approve = Approve
option-removal-delete = Delete
switch-confirm-mode = Before deleting
switch-confirm-mode-means = What one types to confirm.
option-confirm-mode-none = Nothing
option-confirm-mode-name = The token’s name
option-confirm-mode-word = A word
switch-confirm-word = The word
switch-confirm-word-means = What one types, where a word is asked for.
switch-confirm-show-use = Show first what would break
switch-confirm-show-use-means = How often and from where it was used, before it is revoked or deleted.
switch-on-expire = When it expires
switch-on-expire-means = What becomes of the row of a token that has ended.
option-on-expire-keep = It stays in the list
option-on-expire-delete = It is deleted
switch-tombstones-listed = Deleted tokens are listed
switch-tombstones-listed-means = Under the filter for deleted ones.
switch-tombstones-keep = Deleted tokens are kept for
switch-tombstones-keep-means = For how long it can be asked what a deleted token was.
option-tombstones-keep-nothing = As long as the account

# People who leave
switch-on-inactive = When somebody is deactivated
switch-on-inactive-means = What becomes of the tokens that they hold. Their sessions end in any case.
option-on-inactive-keep = They go on working
option-on-inactive-suspend = They stop at once
switch-on-return = When they come back
switch-on-return-means = What becomes of the tokens that had stopped.
option-on-return-restore = They work again
option-on-return-approve = Each waits for an approval
switch-on-remove = When somebody is removed
switch-on-remove-means = What becomes of the tokens of those who leave for good.
option-on-remove-keep = They go on working
option-on-remove-delete = They are deleted
option-on-remove-refuse = Nobody leaves while a token of theirs is active
switch-sso-on-revocation = When single sign-on takes access away
switch-sso-on-revocation-means = What becomes of the tokens of whoever may not sign in any more.
option-sso-on-revocation-keep = They go on working, and the page warns of it
option-sso-on-revocation-suspend = They stop at once
option-sso-on-revocation-nothing = They go on working

# Notices
switch-notices-days = When
switch-notices-days-means = Days before the end at which notice is given, the earliest of which makes a token “expiring”. Empty: none.
switch-notices-to = Who hears of it
switch-notices-to-means = These people, and members with these roles.
option-notices-to-holder = Its holder
option-notices-to-issuer = Whoever made it
option-notices-to-managers = Those who manage
option-notices-to-nothing = Nobody
switch-notices-badge = Mark the section
switch-notices-badge-means = From this long before an end the navigation shows an exclamation mark.
option-notices-badge-nothing = Never
switch-notices-mail = By mail
switch-notices-mail-means = To those who have not chosen; each person can choose otherwise.

# Signing in
switch-login-mode = What a login makes
switch-login-mode-means = Whether logins stand among the tokens.
option-login-mode-session = A session that no list shows
option-login-mode-token = A token in the list
option-login-mode-pair = An access token and one that refreshes it
switch-login-life = How long it lasts
switch-login-life-means = After that one signs in again. Logins that have begun keep their end.
switch-login-refresh = How long it can be refreshed
switch-login-refresh-means = The life of the token that refreshes a login.
switch-logout = Signing out
switch-logout-means = What else ends with it.
option-logout-end = The session ends
option-logout-delete = The login’s token is deleted
option-logout-revoke = The session ends and the person’s tokens are revoked

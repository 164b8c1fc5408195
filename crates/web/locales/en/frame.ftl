# What stands around every page, times, and the pages before one is signed in.

# Around every page
skip = Skip to the content
menu = Menu
sections = Sections
account = Account
other-accounts = Your other accounts
sign-out = Sign out
return = Back to the product
dismiss = Dismiss
to-the-console = To the console
cancel = Cancel
save = Save
apply = Apply
next-page = Next
first-page = First page
copied = Copied

nav-members = Members
nav-service-accounts = Service accounts
nav-roles = Roles
nav-tree = Tree
nav-installations = Installations
nav-policy = Policy
nav-journal = Journal
nav-accounts = Accounts
nav-inventory = Inventory
nav-cluster = Cluster

# Times
ago-moments = a moment ago
in-moments = in a moment
ago-minutes = { $count ->
    [one] 1 minute ago
   *[other] { $count } minutes ago
  }
ago-hours = { $count ->
    [one] 1 hour ago
   *[other] { $count } hours ago
  }
ago-days = { $count ->
    [one] 1 day ago
   *[other] { $count } days ago
  }
in-minutes = { $count ->
    [one] in 1 minute
   *[other] in { $count } minutes
  }
in-hours = { $count ->
    [one] in 1 hour
   *[other] in { $count } hours
  }
in-days = { $count ->
    [one] in 1 day
   *[other] in { $count } days
  }
date = { $day } { $month } { $year }
month-01 = Jan
month-02 = Feb
month-03 = Mar
month-04 = Apr
month-05 = May
month-06 = Jun
month-07 = Jul
month-08 = Aug
month-09 = Sep
month-10 = Oct
month-11 = Nov
month-12 = Dec

# An empty server
empty-title = Nobody has begun yet
empty-how = This server has no account. Open the set-up link that it printed when it started, or run this on its machine while it is stopped, for another link:

# Signing in
sign-in = Sign in
sign-in-wrong = The e-mail address or the password is wrong.
sign-in-slowed-seconds = Too many wrong guesses. Try again in { $count ->
    [one] a second
   *[other] { $count } seconds
  }.
sign-in-slowed-minutes = Too many wrong guesses. Try again in { $count } minutes.
sign-in-unsafe = This address is not safe to type a password into: it is neither https nor this machine. Ask the operator to put the console behind TLS and to set server.public_url to its https address.
sign-in-several = You are in several accounts?
email = E-mail address
password = Password
account-id = Id of the account
sign-in-code-title = One more step
sign-in-code-how = Open the app that shows your one-time codes, and type the one for { $name }.
sign-in-code-again = Begin again
sign-in-late = That took too long. Type your password once more.

# What was refused
refused-reauthentication-required = You signed in a while ago. Type your password again.
refused-password = The password is not right.
refused-confirmation-required = Type exactly what stands above.
refused-code = The code is not right. Type the one that your app shows now, or a recovery code; each works once.

# Who one is, once more
one-time-code = Code from your app
one-time-code-hint = Six digits, or one of your recovery codes.
reauth-impossible = This needs you to have come in during the last five minutes, and you have no password here. Come in again from the product.
again-title = Show that it is you
again-sentence = You signed in a while ago. What you filled in is kept, and happens once you have typed your password.
again-first-password = Of the new member. A password is the one thing that is not kept: type it again.
again-button = Continue
refused-title-forbidden = You may not do this
refused-title-not-found = There is no such page
refused-title-method-not-allowed = There is no page here
refused-method-not-allowed = A form is sent to this address, and nothing is shown at it. Open the page that has the form.

# How the console is entered: handed over from the product, invited, set up.

# Nobody is signed in over a line that others listen to
door-unsafe-title = This address is not safe
door-unsafe-how = It is neither https nor this machine, so whoever listens on the way would be signed in as you. Nobody was signed in, and the link was not used. Ask the operator to put the console behind TLS and to set server.public_url to its https address.

# Handed over
handoff-title = Your console is ready
handoff-sentence = The product brought you here. This link signs you in once.
handoff-instead = You are signed in as { $who }. The link is for somebody else: open it only if you came from the product just now.
handoff-open = Open the console
handoff-dead-title = This link opens nothing any more
handoff-dead-how = A link from the product works once and for a minute. Go back to the product and open the page there again.
handoff-closed-title = You cannot work in this account
handoff-closed-how = Your membership was deactivated, or may not be opened from the product. Ask an administrator of the account, or sign in with your own password.

# Set up
door-password-hint = 12 characters or more.
setup-title = Set up this server
setup-sentence = It has no account yet. Name the first one, and yourself as its administrator; you will be signed in.
setup-account = The first account
setup-account-name = Name
setup-account-hint = 2 to 40 characters from a-z, 0-9 and -, such as acme. It never changes.
setup-you = You
setup-admin = Your name
setup-preset = What it is like
setup-preset-hint = The account copies its rules, roles and words from a preset, and can change them later.
setup-begin = Begin
setup-wrong-account = An account's id has 2 to 40 characters from a-z, 0-9 and -.
setup-dead-title = This link opens nothing
setup-dead-how = A set-up link works once and for 30 minutes, and each start of the server makes a new one. Run `jeton setup-link` on the machine while the server is stopped, or start the server again, for another. If the installation has begun already, sign in instead.
setup-unsafe-title = This address is not safe
setup-unsafe-how = It is neither https nor this machine, so a password typed here is everybody's who listens on the way. Open the link on the machine itself, or put the server behind TLS and set server.public_url to its https address; without a browser, run `jeton init` on the machine. The link was not used.
preset-default = Tokens that inherit, narrow or list what they may do, end after 90 days unless somebody says otherwise, and can be rotated.
preset-arm = As in AutoRABIT ARM: tokens of a year, which administrators revoke and approve again.
preset-cockpit = As in Gravitee Cockpit: account tokens that automate organizations and environments, at most ten.
preset-gcore = As in Gcore: permanent tokens with a role, for ever or until a date.
preset-qovery = As in Qovery: tokens for the API, Terraform and CI, by name alone.
preset-tagoio = As in TagoIO: full, write or read access per application, which can be copied again at any time.
begun-title = The installation has begun
begun-sentence = The account { $account } is there, and you are its administrator.
begun-token = Your token, named init
begun-token-hint = For the command line: it stands for you, with everything that you may do.
begun-key = The key of your product
begun-key-hint = With it your product asks whether a token is good, and nothing else.
begun-once = Keep these two now. You cannot see them again; if you lose one, make a new one.
begun-copied = I've copied both

# Inviting
door-copy = Copy
invite-title = Invite somebody
invite-sentence = You get a link to send them. It lets one person in, for 7 days.
invite-name = Name
invite-role = Role
invite-make = Make the link
invite-closed = Your role does not let you invite anybody to this account. Ask an administrator.
invite-again-title = Make another invitation
invite-again-sentence = They get a link with which they choose a password and sign in. One that was made before opens nothing from then on.
invited-title = The invitation
invited-sentence = Send this link to them, and to nobody else: whoever opens it is let in as them. It works once, until { $until }.
invited-hint = You cannot see it again. Make another if it is lost; to take it back, remove the member.
invited-mailed = They are also mailed a link of their own, which works as this one does.
invited-before = This form made an invitation already, and its link is not shown again. Make another if it is lost.
invited-done = Done
done-invited = The member is there, and can sign in once they have opened the link.

# Invited
invitation = Invitation
invitation-title = Join { $account }
invitation-new = You sign in as { $who }. Choose a password for it.
invitation-signed-in = You are signed in as { $who }, and stay so in your other accounts.
invitation-known = Somebody signs in with { $who } here already. If that is you, sign in first; you come back here.
invitation-squatted = If you never chose a password here, somebody else did for your address. Ask the operator of this server to reset it.
invitation-join = Join
invitation-dead-title = This invitation opens nothing
invitation-dead-how = It works once and for 7 days, and not any more when another was made or the membership ended. If you have accepted it already, sign in. Otherwise ask whoever invited you for another.
done-joined = You are a member of this account now.

# A forgotten password
forgotten-title = Forgot your password?
forgotten-sentence = Give the address that you sign in with. You are mailed a link by which you choose another password.
forgotten-do = Mail me a link
forgotten-asked = If somebody signs in with this address, a mail is on its way. Its link works once, and for 30 minutes.
forgotten-operators = Whoever runs this server gets no such mail, and uses the command “jeton admin reset” on the machine.
forgotten-without = This server sends no mails. Ask its operator, who can give you another password.
forgotten-back = Back to signing in
reset-title = Choose another password
reset-sentence = For { $who }. Wherever you are signed in, you are signed out.
reset-password = New password
reset-everything = Revoke all my tokens as well
reset-everything-hint = If somebody else may have known your password, they may have made tokens. What uses yours stops working.
reset-do = Set the password
reset-dead-title = This link opens nothing
reset-dead-how = It works once and for 30 minutes, and not any more when your password was changed. Ask for another on the page where you sign in.
reset-done-title = Your password is set
reset-done = You were signed out everywhere. Sign in with the new password.
reset-done-everything = You were signed out everywhere, and your tokens are revoked. Sign in with the new password.

# The link at the end of a mail
leave-title = Turn these mails off?
leave-sentence = You are told by mail when tokens in { $account } are about to end.
leave-do = Turn them off
leave-done-title = You get no more of these mails
leave-done = What ends in { $account } is still on the page for notices, where you can also turn the mails on again.
leave-back = To the notices
leave-dead-title = This link leads nowhere any more
leave-dead-how = A link in a mail works for 90 days. Sign in to the console and choose under notices what is mailed to you.

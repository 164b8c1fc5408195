# The journal and the notices.

# The journal
journal-purpose = What happened, by whom and to what. The entries are chained: nobody changes one unseen.
journal-whose = Whose journal
journal-of-account = This account
journal-of-server = The whole server
journal-csv = Export as CSV
journal-jsonl = Export as JSON lines
journal-verify = Check the chain
journal-valid = { $count ->
    [one] The one entry is what was written.
   *[other] All { $entries } entries are what was written, and each follows from the one before.
  }
journal-valid-erased = { $count ->
    [one] The text of one was erased, as its entry tells.
   *[other] The texts of { $count } were erased, as an entry tells of each.
  }
journal-broken = Entry { $seq } { $what }. Somebody or something changed the journal after it was written: keep the data as it is and compare it with a backup.
journal-about = About
journal-anything = Anything
journal-by = By
journal-subject = Id of what it happened to
journal-since = From
journal-until = Through
journal-none = Nothing has happened yet.
journal-none-found = No entry fits these filters.
journal-none-here = No entry fits among those looked at so far.
journal-look-on = Look further back
journal-details = Details
journal-time = Time
journal-entry = Entry
journal-how = How
journal-text = Text
journal-erased = Erased, because somebody asked to be forgotten.
journal-hash = Hash
wrong-id = Give one id, such as pat_0123456789ab, without spaces.
family-token = Single tokens
family-tokens = Many tokens at once
family-session = Signing in and out
family-password = Passwords
family-second-factor = One-time codes
family-member = Members
family-service-account = Service accounts
family-person = People
family-role = Roles
family-policy = The policy
family-account = The account
family-node = The tree
family-installation = Installations
family-webhook = Webhooks
family-notices = Notices
family-service = Services
family-journal = The journal itself
family-server = The server
actor-operator = The operator
actor-nobody = Somebody unknown
actor-github = GitHub
via-session = signed in as { $id }
via-token = with the token { $id }
via-service = through the service { $id }
told-account-created = { $who } created the account { $what }
told-account-edited = { $who } changed what the account { $what } is called
told-account-deactivated = { $who } closed the account { $what }
told-account-reactivated = { $who } reopened the account { $what }
told-policy-changed = { $who } changed the policy of { $what }
told-role-created = { $who } created the role { $what }
told-role-edited = { $who } changed the role { $what }
told-role-deleted = { $who } deleted the role { $what }
told-person-created = { $who } made { $what } known as a person who can sign in
told-member-created = { $who } added the member { $what }
told-member-invited = { $who } invited { $what }
told-member-accepted = { $who } accepted the invitation
told-password-changed = { $who } changed their password
told-second-factor-enabled = { $who } began to use one-time codes
told-second-factor-disabled = { $who } uses one-time codes no more
told-second-factor-used = { $who } showed once more who they are, with a one-time code
told-password-forgotten = { $who } asked for a mail by which { $what } chooses another password
told-password-reset = { $what } chose another password by the link of a mail
told-password-refused = { $who } gave a wrong password for { $what }
told-second-factor-refused = { $who } gave a wrong one-time code for { $what }
told-member-edited = { $who } changed the member { $what }
told-member-deactivated = { $who } deactivated { $what }
told-member-reactivated = { $who } reactivated { $what }
told-member-removed = { $who } removed { $what }
told-member-erased = { $who } had everything forgotten that said who { $what } was
told-service-account-created = { $who } added the service account { $what }
told-node-created = { $who } added { $what } to the tree
told-node-edited = { $who } renamed { $what } in the tree
told-installation-created = { $who } added the installation { $what }
told-installation-edited = { $who } changed the installation { $what }
told-installation-deleted = { $who } removed the installation { $what }
told-notices-chosen = { $who } chose which notices { $what } gets
told-webhook-created = { $who } added the webhook { $what }
told-webhook-edited = { $who } edited the webhook { $what }
told-webhook-rotated = { $who } gave the webhook { $what } a new secret
told-webhook-deleted = { $who } removed the webhook { $what }
told-token-created = { $who } created the token { $what }
told-token-edited = { $who } edited the token { $what }
told-token-rotated = { $who } rotated the token { $what }
told-token-revoked = { $who } revoked the token { $what }
told-tokens-revoked = { $count ->
    [one] { $who } revoked 1 token at once
   *[other] { $who } revoked { $count } tokens at once
  }
told-token-approved = { $who } approved the token { $what }
told-token-leaked = { $who } reported the token { $what } as leaked
told-token-revealed = { $who } looked at the secret of the token { $what }
told-token-deleted = { $who } deleted the token { $what }
told-token-expired = The token { $what } reached its end and was deleted
told-token-replaced = { $who } brought the token { $what } back from a backup
told-tokens-imported = { $count ->
    [one] { $who } imported 1 token
   *[other] { $who } imported { $count } tokens
  }
told-session-started = { $who } signed in
told-session-refreshed = { $who } went on with a session
told-session-replayed = A refresh token of { $who } came twice, so that session was ended
told-session-ended = { $who } signed out
told-service-created = { $who } created the service { $what }
told-service-revoked = { $who } revoked the key of the service { $what }
told-person-reset = { $who } gave { $what } a new password, on the machine itself
told-person-retired = { $who } took the server out of { $what }’s hands
told-server-restored = { $who } restored the server from a backup
told-journal-erased = { $who } erased texts of the journal
told-other = { $who }: { $action } { $what }

# Notices
notices-purpose = Who hears that a token will end, and when.
notices-yours = Mails to you
notices-yours-how = When one of your tokens, or one that you answer for, is about to end.
notices-as-policy-on = As the account decides, which is yes for now
notices-as-policy-off = As the account decides, which is no for now
notices-always = Yes, always
notices-never = No, never
notices-not-yours = Who signs in by a token or through a service chooses nothing here; sign in with your password.
notices-due = These end soon
notices-due-none = No token that you can see ends soon.
notices-due-more = There are more than these.
notices-ends = Ends
notices-account = What the account decides
notices-change = Change it in the policy
notices-closed = Only those who manage this account's tokens see this page.
notices-no-mail = This server sends no mails: its operator has named no mail server. Your choice is kept.
done-notices = Your choice is kept.

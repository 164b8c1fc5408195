# One's own page: who one is here, where one is signed in, and what signs one in.

me-title = You
me-sentence = Who you are here, where you are signed in, and what signs you in.
me-who = Who you are
me-name = Name
me-role = Role
me-id = Id
me-since = Member since
me-operator = Operator
me-operator-sentence = You run this server.

me-where = Where you are signed in
me-where-sentence = In this account. End what you do not know, and change your password.
me-column-agent = With
me-column-since = Since
me-column-used = Last used
me-column-until = Ends
me-this-one = this one
me-not-used = Not used since
me-end = End
me-agent = { $program } on { $system }
me-agent-unknown = A program that does not say what it is

me-proof = What signs you in
me-password-sentence = Change it when somebody else may know it; all that was made under it can end with it.
me-password-change = Change password
me-no-password = You come in by links of the product, and have no password here.
me-present-password = Present password
me-new-password = New password
me-new-password-hint = 12 to 256 characters, whichever you like.
me-everything = Revoke all my tokens and end my other sessions
me-everything-hint = In every account that you are in, with the same change: for when somebody else may have been you. What your programs use has to be made anew.

me-codes = One-time codes
me-codes-sentence = An app on your phone shows a code that is asked for after your password, so that the password alone opens nothing.
me-codes-on = In use
me-codes-left = { $count ->
    [0] No recovery code is left. Switch the codes off and on again for new ones.
    [one] One recovery code is left. Switch the codes off and on again for new ones.
   *[other] { $count } recovery codes are left.
  }
me-codes-switch-on = Use one-time codes
me-codes-switch-off = Switch off

codes-title = Use one-time codes
codes-scan = Scan this with the app that will show your codes.
codes-picture = The secret as a picture, for the app's camera
codes-by-hand = Or type this secret into it:
codes-copy = Copy
codes-first = The code that it shows now
codes-first-wrong = This is not the code that goes with the secret. Wait for the next one, and see that the phone's clock is right.
codes-late = That took too long. Here is a new secret; scan it instead of the one before.
codes-on-already = You use one-time codes already. Switch them off first.
codes-off-already = You use no one-time codes.
codes-off-title = Switch one-time codes off?
codes-off-sentence = Your password alone will sign you in again, and your recovery codes open nothing any more.
codes-off-button = Switch one-time codes off

recovery-title = Your recovery codes
recovery-sentence = Each of them signs you in once in place of a one-time code, when you do not have your phone.
recovery-once = You cannot see them again. Keep them where you keep what must not get lost, apart from the phone.
recovery-kept = I've kept them

# What was just done
done-session-ended = The session has ended.
done-password = Your password is changed.
done-password-everything = Your password is changed. All your tokens are revoked, and your other sessions have ended.
done-codes-on = From now on a one-time code is asked for after your password.
done-codes-off = Your password alone signs you in again.

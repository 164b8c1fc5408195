# The token pages. What a policy's `words` say is not here.

# The list
status-active = active
status-expiring = expiring
status-expired = expired
status-suspended = suspended
status-revoked = revoked
status-pending = pending
status-rotated = rotated
status-grace = in grace
status-leaked = leaked
status-deleted = deleted
column-name = Name
column-last-used = Last used
column-expires = Expires
column-created = Created
column-actions = Actions
may-inherit = Inherits { $name }’s rights
may-role = Role { $role }
may-nothing = Nothing: its role is gone
may-full = Everything
may-write = Write only
may-read = Read only
may-entities = { $level }: { $entities }
may-list = { $permissions }
may-list-more = { $permissions } and { $count } more
last-used-from = { $when } from { $address }
never = Never
search = Search
search-hint = Part of a name or an id
anybody = Anybody
any-role = Any role
any-status = Any status
none-found = No token fits these filters.
show-all = Show all
no-tokens = No tokens yet
actions-for = Actions for { $name }
tokens-closed = Only those who manage this account's tokens see this page.
status-filter-active = active, expiring too

# Making and editing a token
create-closed = Your role does not create tokens in this account; ask one of its administrators.
optional = optional
everywhere = All of { $name }
holder-self = You ({ $name })
holder-service-account = { $name } (service account)
holder-member = { $name } (member)
mode-inherit = Whatever { $name } may do
mode-role = A role
mode-access = A level of access
mode-list = Chosen permissions
entities-only = Only for some entities
entity = Entity
keep-permission = As it is
keep-end = As it is
edit-permission = Permissions can only become fewer.
date-hint = Until the end of this day, UTC.
how-many = How many
unit = Unit
unit-hours = hours
unit-days = days
unit-months = months
unit-years = years
span-year = { $count ->
    [one] 1 year
   *[other] { $count } years
  }
span-month = { $count ->
    [one] 1 month
   *[other] { $count } months
  }
span-day = { $count ->
    [one] 1 day
   *[other] { $count } days
  }
span-hour = { $count ->
    [one] 1 hour
   *[other] { $count } hours
  }
span-minute = { $count ->
    [one] 1 minute
   *[other] { $count } minutes
  }
span-second = { $count ->
    [one] 1 second
   *[other] { $count } seconds
  }
life-fixed = It expires on { $day }, after { $period }.
life-longest = { $period } at most.
more-fields = More
not-before = Begins
not-before-hint = In UTC. Empty: at once.
metadata = Metadata
metadata-hint = A JSON object for your own programs.
password-again = Your password, again
form-old = This form is more than a day old. What you typed is still here; send it again.
wrong-node = Choose a place of the list.
wrong-moment = Give a day and a time.
wrong-holder = Choose somebody of the list.
wrong-date = Give a day.
wrong-period = Give a whole number and a unit.
wrong-metadata = This is no JSON object, such as {"{"}"team": "data"{"}"}.
edit-title = Edit { $name }
edit-conflict = Somebody else changed this token meanwhile. Open it again to see what it is now.

# Once
done = Done
made-title = This form made a token already
made-sentence = It makes one token and no second, and what it made is not shown again. If you lost its secret, delete or revoke it and make a new one.
made-show = Show the token

# What is done with a token
act-closed = This cannot be done with this token as it is now.
reveal-title = Show { $name }?
reveal-sentence = Its secret is shown, and the journal tells of it.
rotate-title = Rotate { $name }?
rotate-sentence = It gets a new secret and a new id, with the same permissions and the same length of life. You see the new secret once.
grace = The old secret stays good for
grace-hint = { $period } at most. With 0 it is refused at once.
revoke-title = Revoke { $name }?
revoke-sentence = Calls with it are refused from the moment you confirm.
revoke-sentence-undone = Calls with it are refused from the moment you confirm. A manager can approve it again before it expires.
approve-title = Approve { $name }?
approve-sentence = It works from the moment you confirm.
leak-title = Report { $name } as leaked?
leak-sentence = It ends for good: nobody can approve it again.
leak-button = It is leaked, end it
leak-link = Report a leak
leak-question = Does somebody know this token who should not?
reason = Reason
confirm-word = Type { $word }
break-nothing = Nobody used it in the last 30 days.
break-calls = { $count ->
    [one] 1 call
   *[other] { $calls } calls
  } in the last 30 days.
break-calls-from = { $count ->
    [one] 1 call
   *[other] { $calls } calls
  } in the last 30 days, from { $addresses ->
    [one] 1 address
   *[other] { $addresses } addresses
  }.
break-latest = Most recently { $when }.
break-latest-by = Most recently { $when }, asked by { $service }.
undo = Undo
done-created = The token is there.
done-edited = The token is changed.
done-revoked = The token is revoked.
done-approved = The token is approved.
done-leaked = The token is ended for good.
done-deleted = The token is deleted.

# One token
facts = What it is
from-address = from { $address }
why-not-yet = It begins on { $when }.
why-expiring = It expires on { $when }.
why-expired = It expired on { $when }.
why-holder-inactive = { $name } was deactivated on { $when }.
why-account-inactive = The account was closed on { $when }.
why-revoked = It was revoked on { $when }.
why-all-revoked = All tokens of { $name } were revoked on { $when }.
why-pending = A manager has to approve it.
why-grace = It was replaced, and stays good until { $when }.
why-rotated = It was replaced by a newer one.
why-leaked = It was reported leaked on { $when }.
why-deleted = It was deleted on { $when }.
replaced-by = The token that replaced it
use-title = Use in the last 90 days
chart-day = { $day }: { $count } calls
chart-day-refused = { $day }: { $count } calls, { $refused } refused
chart-sum = { $count } calls, { $refused } refused.
show-as-table = Show as table
day = Day
calls = Calls
refused = Refused
by-address = From where
by-service = Asked by
other = others
no-use = No calls yet.
happened-title = What happened
did-token-created = Created by
did-token-edited = Edited by
did-token-rotated = Replaced by
did-token-revoked = Revoked by
did-token-approved = Approved by
did-token-leaked = Reported leaked by
did-token-revealed = Shown to
did-token-deleted = Deleted by
did-token-replaced = Brought back from a backup by

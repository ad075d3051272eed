### English. Keys are named after where they stand; every language file has the same keys with the same places.


## Windows, dialogs, settings

you = You
starting = Opening your messages…
cannot-start = Kith cannot start
stopped-title = Kith has stopped
stopped-full = The disk is full, so nothing more can be written. Make at least {$room} of room where {$folder} is, then open it again. What was confirmed is kept.
stopped-storage = The folder {$folder} could not be written. Check the disk, and whether the folder is still yours to write, then open it again. ({$why})
stopped-fault = A fault in the program stopped it. Nothing that was confirmed is lost: open it again.
stopped-closed = Nothing is sent or received any more. Open it again.
stopped-keeps = You can go on reading. What you are writing is kept.
open-again = Open again
opening-again = Opening…
main-empty-hint = Invite somebody, or use a link that you were given.
main-empty = Nobody here yet
add-title = Add somebody
main-choose = Choose a chat
main-choose-hint = Ctrl+K searches, Ctrl+/ shows all shortcuts.
chat-offline = There is no network. What you write is kept and goes as soon as there is one.
chat-refused-address = Nobody takes requests at this address: either they do not want to be asked by it, or they were not there for a month. Ask them for a link, or try again later.
chat-looked-for = They are looked for by their address. That takes some minutes, or until they are back if they were away for two days. You can write as soon as they are found.
chat-refused-link = Their link was used by somebody else or is too old: ask them for a new one and add it. What you wrote is kept.
chat-not-accepted = They have not accepted yet. What you write is kept and goes when they do.
chat-blocked = You have blocked this contact: nothing is sent or received.
back-to-chats = Back to the chats
safety-compared-mark = You compared the safety number
presence-direct = Connected directly, end-to-end encrypted
presence-mailboxes = Offline: what you write is left in their mailboxes
presence-offline = Offline: it goes when you are both online
presence-refused-address = Nobody is asked at this address
presence-refused-link = Their link no longer works
presence-waiting = Waiting for their answer
presence-asks = Asks to be added
blocked = Blocked
more = More
safety-compare = Compare safety number
group-about = About this group
page-requests = Who asks to come in
standing-asking = Waiting to be let in
standing-invited = You are invited
standing-left = You left
standing-removed = You were removed
unpin = Unpin
pins-all = All pinned messages
emoji = Emoji
composer-hint = Message
send = Send
reply-cancel = Do not answer
forget = Forget…
somebody = Somebody
invited-stranger = They are not among your contacts. Members see your name and when you are online, once you accept.
accept = Accept
decline = Decline
decline-group-hint = You leave the group, and it is forgotten here
key-search = Search chats
key-add = Add somebody, or join a group
new-group = New group
key-mention = Mention somebody: Up, Down, Enter
settings = Settings
key-next-chat = Previous / next chat
key-scroll = Scroll the messages
key-latest = Latest message
key-send = Send / new line
key-escape = Close, or stop answering
key-list = This list
close = Close
add-give = Give them your invite
add-give-hint = It works once and for a week. Send it over any channel you trust, or let them scan it.
add-qr = Your invite as a QR code
copy-link = Copy the link
add-new = Make a new one
add-making = Making an invite…
add-use = Or use theirs
add-hint = Paste a link of a person or a group, kith:…, or an address, kith1…, or drop a picture of the code here
add-address-hint = They will see that you know only their address. It takes this computer some seconds of work.
add-greeting = A few words to go with it (optional)
add-ask = Ask to be added
safety-title = Safety number
safety-compared = You compared it.
safety-revoke = Not any more
safety-same = They are the same
copy = Copy
trace-title = Your message
remove-follows = The contact and all messages with them are deleted on this computer. This cannot be undone.
remove = Remove
keep = Keep
keyboard-title = Keyboard
page-rules = Rules
page-links = Invite links
back-to-group = Back to the group
close-panel = Close the panel
menu-invite = Invite by link
menu-notify-all = Tell me every message
menu-notify-mentions = Only when I am mentioned
mute = Mute
menu-leave = Leave…
menu-forget = Forget with all messages…
stop-asking = Stop asking
about-notify = Tell me about
about-change = Change name and topic
name = Name
about-topic = What it is about
save = Save
cancel = Cancel
about-asking = Nothing is known of this group until somebody has let you in.
about-leave = Leave the group…
about-forget = Forget the group…
links-made = Send it over any channel you trust, or let them scan it. Copy it now: it is not shown again.
links-qr = The link as a QR code
links-another = Make another
links-what = Whoever has the link can ask to come in, and is let in by any member who is online.
come-as = They come as
links-life = It works for
links-uses = It is for
links-approval-rule = By the rules of this group, somebody has to agree each time.
links-approval = Somebody has to agree each time
links-make = Make a link
links-open = Open links
links-none = None. People come in only by being added.
links-revoke = Take this link back
add-people = Add people
members-search = Search members
member-this-device = this device
online = online
offline = offline
member-write = Write to them
copy-address = Copy address
step-down = Step down
change-role = Change role
member-unmute = Unmute
member-remove = Remove…
member-ban = Ban…
for-an-hour = For an hour
for-a-day = For a day
for-a-week = For a week
until-lifted = Until it is lifted
group-name = Name of the group
people-who = Who is in it? More can come later.
people-choose = Choose among your contacts.
people-nobody = Nobody found.
people-no-contacts = You have no contacts yet. You can make the group now and invite people by a link.
people-all-members = All your contacts are members already. Others can come by a link.
people-make = Make the group
people-add = Add
people-search = Search your contacts
requests-none = Nobody asks to come in now.
requests-what = They have a link. Names can be made up: let in only whom you expect.
let-in = Let in
refuse = Refuse
banned-none = Nobody is banned.
banned-what-may = They cannot come back by any link. Lifting a ban does not add them again.
banned-what = They cannot come back by any link.
banned-lift = Lift the ban
rule-post = Who writes messages
rule-invite = Who adds people and makes links
rule-pin = Who pins messages
rule-mention-all = Who calls everybody with @all
rule-profile = Who changes name and topic
rule-files = Who sends files
rule-calls = Who starts calls
rules-by-admins = Admins and owners set the rules.
rules-what = Every member's device keeps to these rules. A new rule holds from then on.
rules-slow = Slow mode: the pause between two messages
never = Never
rules-disappear = Messages disappear everywhere
rules-history = What newcomers see
rules-approve = Whoever comes by a link has to be let in
rules-save = Save the rules
undo = Undo
rules-slow-short = The pause between two messages
rules-let-in = Has to be let in
rules-as-link-says = As the link says
rules-by-link = Whoever comes by a link
rules-roles = Roles
receipts-title = Who has it
receipts-none = Nobody else was in the group when you wrote it, or it goes from member to member.
receipts-read = Read
receipts-delivered = Delivered
receipts-not-yet = Not yet
settings-name = Name
settings-status = Status line
settings-copy-address = Copy my address
settings-knocks = Whoever knows my address may ask to be added
settings-knocks-on = Whoever has the address can also find out which device is yours and which mailboxes you use. Requests of strangers are marked, and cost them work.
settings-knocks-off = Only those to whom you give a link can ask. Who had your address before may find that out.
settings-look = Look
look-system = As the system
look-light = Light
look-dark = Dark
passphrase-title = Passphrase of this computer
passphrase-what = It locks your messages on this computer. Nobody can reset it.
passphrase-now = The passphrase now; empty if there is none
passphrase-remove = Remove the protection
passphrase-new = New passphrase
passphrase-again = The same again
passphrase-change = Change
settings-shortcuts = Keyboard shortcuts
connection-report-what = A report says the same, without names, addresses or messages. Read it before you pass it on.
connection-report = Save a report
help-what = This computer can be a mailbox: it keeps sealed messages for people who are away, and hands them over when they come. It cannot read them. It helps most when it is on all day.
help-whom = For whom
help-contacts = My contacts
help-anybody = Anybody
help-contacts-what = Your contacts find it by themselves while they are connected with you.
help-anybody-what = Others need the address below. Strangers do some work before they are let in.
help-how-much = How much
help-on = Switch on
help-off = Switch off
help-address = Its address
show-code = Show its code
copy-its-address = Copy its address
nodes-what = They help your devices and your friends' find each other. They see when you are online and from where, and never what you write.
nodes-none = None yet: friends are found on this network and where they were last.
nodes-remove = Remove this node
nodes-add-label = Add one: the line it printed, /ip4/…/p2p/…
nodes-add = Add the node
mailboxes-remove = Do not use this mailbox
mailboxes-add-label = Use another: the address of a node that keeps mail
mailboxes-voucher-label = Its voucher, if whoever runs it gave you one
mailboxes-add = Use this mailbox
code-hint = Or drop or paste a picture of its code here.
address-qr = The address as a QR code
hide-code = Hide the code
chats-title = Chats
nothing-found = Nothing found
search-hint = Search  Ctrl+K
request-stranger = A stranger: knows only your address, as anybody may, and any name can be made up. Accept only whom you expect.
decline-stranger-hint = They are not told, and cannot ask again by your address
decline-hint = They are not told, and may ask again
block = Block
contact-unblock = Unblock
contact-remove = Remove with all messages…
preview-disappearing = Disappearing message
preview-refused = Nobody takes the request
preview-requested = Request sent, not answered yet
preview-hello = Say hello
empty-group-hint = Say hello. Only members can read it.
empty-chat-hint = Say hello. Only you two can read it.
no-messages = No messages yet
jump-latest = Jump to the latest message
quote-earlier = Earlier message
menu-answer = Answer
menu-copy = Copy text
menu-pin = Pin for everybody
menu-delete-for-all = Delete for everybody…
menu-trace = What became of it
gap = Messages are missing here that others have
welcome-what = Your messages live on your devices and nowhere else. No phone number, no account at a company.
welcome-title = Welcome to Kith
welcome-name = Your name, as friends will see it
welcome-returning = I have a recovery phrase
welcome-words = The 24 words, in order
welcome-returning-what = Your account moves to this device. Contacts and messages were on the lost one: your contacts see that it is you as soon as you add each other again.
welcome-protect = Lock my messages on this computer with a passphrase
passphrase = Passphrase
welcome-protect-what = Nobody can reset it: without it the messages on this computer stay locked.
welcome-start = Start
welcome-making = Making your keys…
phrase-check = One check
phrase-check-what = Type one of the words from your paper.
continue = Continue
phrase-again = Show the words again
phrase-what = Write these 24 words on paper, in order. They are the only way to be yourself again when this computer is lost. They are shown this once.
phrase-title = Your recovery phrase
phrase-kept = I have written them down
locked-title = Kith is locked
locked-what = Enter the passphrase of this computer.
unlock = Unlock
state-queued = waits for a connection
state-sent = sent
state-stored = waits here: what their mailboxes promised has ended
state-promised =
    {$count} of {$of} of their mailboxes { $count ->
       [one] has
      *[other] have
    } promised to keep it until {$day}
state-delivered = delivered
state-read = read
state-failed = not delivered: this contact is blocked

## Failures

node-stopped = Kith has stopped. Open it again first.
fail-message-gone = This message is gone.
fail-contact-gone = This contact is gone.
fail-not-written = The file could not be written: {$why}
fail-no-code = There is no code of Kith in this picture: try a sharper one.
fail-not-kept = This choice could not be written down: {$why}
fail-no-account = There is no account in this folder yet.
fail-has-account = This folder has an account already.
fail-locked = This account is locked: unlock it with its passphrase first.
fail-bad-phrase = These are not the 24 words of a recovery phrase: look for a word that is missing, swapped or misspelt.
fail-wrong-passphrase = This is not the passphrase. Check it and try again.
fail-disk-full = There is no room left on the disk: make some, then try again.
fail-in-use = Another Kith uses this folder. Close that one first.
fail-bad-node-address = This is not the address of a node: copy the whole line that it printed, /ip4/…/p2p/…
fail-bad-size = A mailbox has at least 64 MiB and at most 1 TiB.
fail-damaged = The data of this account is damaged: restore the folder from a copy. ({$why})
fail-other = That did not work: {$why}
fail-damaged-address = There is a mistake in this address, or a part of it is missing: copy it again.
fail-damaged-link = This link is damaged or too new for this version: ask for the whole link again.
fail-no-link = This is neither a link nor an address: a link begins with kith: and an address with kith1.
fail-too-long = This text is too long: at most {$limit} bytes fit here.
fail-empty-name = A name needs at least one visible character.
fail-empty-message = Write something first.
fail-unknown-chat = There is no such chat.
fail-unknown-invite = There is no such invite, or it was used up.
fail-own-invite = This is your own invite: give it to somebody else.
fail-own-address = This is your own address: give it to somebody else.
fail-not-found-yet = This person was not found yet: write again in a minute.
fail-already-asked = You have asked this person already: wait for the answer, or add them by a link.
fail-invite-useless = This invite does not say where to ask: get a new one.
fail-invite-forged = This invite is not genuine: it names a device of another of your contacts.
fail-invite-expired = This invite has expired: ask for a new one.
fail-already-contact = This person is a contact already.
fail-blocked = This contact is blocked: unblock it first.
fail-not-requested = This person has not asked to be added, or was accepted already.
fail-not-accepted = Accept before you write.
fail-outbox-full = Too many messages wait for this contact: try again when some were delivered.
fail-no-address = This device has no network address yet: wait a moment, then try again.
fail-own-mailbox = This is this device itself: mail for it has to be kept by another one.
fail-unknown-mailbox = This is none of your mailboxes.
fail-unknown-bootstrap = This is none of your community nodes.
fail-too-many = There are too many of these already: remove one first.
fail-slow-mode =
    This group is in slow mode: the next message can go in { $secs ->
       [one] 1 second
      *[other] {$secs} seconds
    }.
fail-unknown-group = There is no such group.
fail-not-in-group = You are not a member of this group.
fail-still-member = You are a member of this group: leave it first.
fail-cannot-add = This person cannot be added: only your contacts can.
fail-may-not-post = You may not write in this group now.
fail-no-such-request = This person does not ask to come in any more.
fail-no-directory = This group is no directory of rooms.
fail-not-public = This group is no public room, or has no link yet.
fail-not-listed = You have not listed this room there.
fail-not-answered = Your contact request was not answered yet: write when it was.
fail-role-too-low = Your role in this group does not allow that.
fail-not-outranked = That can only be done by somebody of a higher role, or who came earlier.
fail-role-too-high = You cannot give a role that is not below your own.
fail-already-member = This person is a member already.
fail-no-such-member = This person is no member of the group.
fail-banned = This person is banned: lift the ban first.
fail-not-banned = This person is not banned.
fail-group-full = This group is full.
fail-no-such-link = There is no such link, or it was taken back.
fail-link-used-up = This link is used up.
fail-oneself = You cannot do that to yourself.

## Toasts

toast-copied = Copied
toast-saved = Saved as {$path}
toast-report-saved = Saved as {$path}. It names nobody.
toast-passphrase-changed = The passphrase is changed
toast-profile-saved = Profile saved
toast-reported = Reported. Only those who keep order see it.
toast-request-written = Request written: it goes as soon as they can be reached
toast-busy = The node is busy: try again in a moment
toast-asking-ended = You do not ask to join that group any more: you stopped, or the link was used up, taken back or has expired
toast-group-made = The group is made
toast-added = Added
toast-asked = Asked: you are in as soon as somebody lets you in

## Account

passphrase-differ = The two passphrases differ.
passphrase-short = A passphrase needs at least eight characters; four random words are better.
passphrase-new-differ = The two new passphrases differ.
passphrase-leave-empty = Leave the new passphrase empty to remove the protection.
passphrase-enter-new = Enter a new passphrase, or choose to remove the protection.
phrase-wrong-word = That is not the word: look at your paper again.
phrase-word = Word {$number}

## Times

today = Today
yesterday = Yesterday
today-within = today
yesterday-within = yesterday
tomorrow-at = tomorrow at {$clock}
day-at = {$day} at {$clock}
date = {$day} {$month}
date-year = {$day} {$month} {$year}
date-short = {$day} {$month}
thursday = Thursday
friday = Friday
saturday = Saturday
sunday = Sunday
monday = Monday
tuesday = Tuesday
wednesday = Wednesday
thursday-short = Thu
friday-short = Fri
saturday-short = Sat
sunday-short = Sun
monday-short = Mon
tuesday-short = Tue
wednesday-short = Wed
january = January
february = February
march = March
april = April
may = May
june = June
july = July
august = August
september = September
october = October
november = November
december = December
january-short = Jan
february-short = Feb
march-short = Mar
april-short = Apr
may-short = May
june-short = Jun
july-short = Jul
august-short = Aug
september-short = Sep
october-short = Oct
november-short = Nov
december-short = Dec
off = Off
weeks =
    { $count ->
       [one] 1 week
      *[other] {$count} weeks
    }
days =
    { $count ->
       [one] 1 day
      *[other] {$count} days
    }
hours =
    { $count ->
       [one] 1 hour
      *[other] {$count} hours
    }
minutes =
    { $count ->
       [one] 1 minute
      *[other] {$count} minutes
    }
seconds =
    { $count ->
       [one] 1 second
      *[other] {$count} seconds
    }
after = After {$stretch}

## Adding

add-link-missing = Paste the link that you were given.
safety-what = Compare these digits with what {$name} sees, by voice or side by side. If they are the same, nobody sits between you.
trace-written = Written {$day} at {$clock}.
remove-title = Remove {$name}?
request-asks = {$name} asks to be added

## Groups: roles

role-observer = Observer
role-member = Member
role-moderator = Moderator
role-admin = Admin
role-owner = Owner
role-observer-means = reads along
role-member-means = takes part
role-moderator-means = keeps order
role-admin-means = sets roles and rules
role-owner-means = may do everything
from-observer = Everybody
from-member = Members and above
from-moderator = Moderators and above
from-admin = Admins and owners
from-owner = Owners only
about-your-role =
    { $role ->
     [observer] You are an observer
    *[member] You are a member
     [moderator] You are a moderator
     [admin] You are an admin
     [owner] You are an owner
 }
about-made-within = made {$day}
about-made = Made {$day}
about-version = Kith {$version}

## Groups: what they say

preview-disappearing-by = {$name}: disappearing message
preview-said-by = {$name}: {$text}
preview-draft = Draft: {$text}
preview-you = You: {$text}
hidden-preview = Hidden by your filter
members =
    { $count ->
       [one] 1 member
      *[other] {$count} members
    }
members-online =
    { $count ->
       [one] 1 member
      *[other] {$count} members
    }, {$online} online
group-asked-for = A group you asked to join
group-without-name = A group without a name
silence-asking = Nobody has let you in yet. It goes on whenever you are online.
silence-invited = Accept the invitation to write here.
silence-left = You left this group. What was said stays readable here.
silence-removed = You were removed from this group. What was said stays readable here.
silence-observer = You are an observer in this group: you can read, not write.
silence-muted = You were muted in this group until somebody lifts it.
silence-muted-until = You were muted in this group until {$until}.
member-muted = muted
member-muted-until = muted until {$until}
member-you = {$name} (you)
notify-all = Every message
notify-nothing = Nothing
history-nothing = Nothing from before they came
history-last =
    { $count ->
       [one] The last message
      *[other] The last {$count} messages
    }
history-everything = Everything members still have
people-chosen =
    { $count ->
       [one] 1 person chosen
      *[other] {$count} people chosen
    }
pins-count =
    { $count ->
       [one] Pinned
      *[other] {$count} pinned
    }
pins-go = Go to the pinned message of {$name}: {$text}
bar-asking =
    { $count ->
       [one] 1 person asks
      *[other] {$count} ask
    }
bar-reports =
    { $count ->
       [one] 1 report
      *[other] {$count} reports
    }
bar-rooms = Rooms
group-about-named = About {$name}
reply-to-yourself = Answer to yourself
reply-to = Answer to {$name}
mention = Mention {$name}
mention-everybody =
    everybody, { $count ->
       [one] 1 member
      *[other] {$count} members
    }
invited-added = {$name} added you to this group
invited-to = Invited to “{$name}”
invited-by = by {$name}, who is no contact of yours
pending-asking = You asked to join: {$name}
pending-asked = A member has your request. You are in as soon as somebody lets you in.
pending-looking = Looking for a member who is online. This can take a while; you can close Kith meanwhile.
unread-divider =
    { $count ->
       [one] 1 new message
      *[other] {$count} new messages
    }
row-unread = , {$count} unread
row-mentioned = , you are mentioned
row-asking = , {$count} ask to come in
row-reports =
    , { $count ->
       [one] 1 report
      *[other] {$count} reports
    }
disappears = disappears
slow-mode = Slow mode: one message every {$every}. The next can go in {$left}.
hidden-by-filter = Hidden by your filter
hidden-show = Show
menu-report = Report…
menu-open-link = Open {$host}

## Links into groups

link-no-end = No end
link-any-number = Any number
people =
    { $count ->
       [one] 1 person
      *[other] {$count} people
    }
link-unused = Nobody came by it yet
link-used = {$count} came by it
link-used-of = {$used} of {$count} came by it
link-endless = no end
link-expired = expired
link-until = until {$until}
link-approval = somebody has to agree
link-by-you = by you
link-by = by {$name}

## Receipts

receipt-read = has read it
receipt-delivered = has it
receipt-stored = their mailboxes promised to keep it
receipt-sent = on its way
receipt-queued = waits for a connection
receipt-failed = not delivered
reached-all = read by all
reached-none = not delivered yet
reached-delivered = delivered to {$count} of {$of}
reached-read = read by {$count} of {$of}

## Questions

doubt-remove = Remove {$who} from “{$name}”?
doubt-remove-follows = {$who} reads nothing new from then on, and keeps what was said. They can be added again.
doubt-ban = Ban {$who} from “{$name}”?
doubt-ban-follows = {$who} is removed and cannot come back by any link until the ban is lifted.
doubt-ban-do = Ban
doubt-owner = Make {$who} an owner of “{$name}”?
doubt-owner-follows = {$who} may then do everything, make other owners too. Only owners who came earlier can take it back.
doubt-owner-do = Make owner
doubt-step-down-follows = You cannot take your role back yourself: somebody with a higher one has to give it to you.
doubt-revoke = Take the link back?
doubt-revoke-follows = Nobody comes by it any more. Who came by it stays.
doubt-revoke-do = Take back
doubt-delete = Delete this message for everybody?
doubt-delete-follows = It disappears for every member as soon as their devices hear of it. That somebody deleted a message stays visible.
doubt-delete-do = Delete
doubt-take-out = Take this room out of the directory?
doubt-take-out-follows = Members do not find it here any more. Whoever listed it can list it again.
doubt-take-out-do = Take out
doubt-leave = Leave “{$name}”?
doubt-leave-follows = You read nothing new from then on. To come back, somebody has to add you or give you a link.
doubt-leave-do = Leave
doubt-forget = Forget “{$name}”?
doubt-forget-follows = The group and all its messages are deleted on this computer. This cannot be undone.
doubt-forget-do = Forget

## What happened

line-created =
    { $side ->
       [by-you] You made the group “{$name}”
      *[other] {$by} made the group “{$name}”
    }
line-left =
    { $side ->
       [by-you] You left
      *[other] {$by} left
    }
line-profile =
    { $side ->
       [by-you] You changed the profile of the group “{$name}”
      *[other] {$by} changed the profile of the group “{$name}”
    }
line-policy =
    { $side ->
       [by-you] You changed the rules
      *[other] {$by} changed the rules
    }
line-link-made =
    { $side ->
       [by-you] You made a link into the group
      *[other] {$by} made a link into the group
    }
line-link-revoked =
    { $side ->
       [by-you] You took a link into the group back
      *[other] {$by} took a link into the group back
    }
line-pinned =
    { $side ->
       [by-you] You pinned a message
      *[other] {$by} pinned a message
    }
line-unpinned =
    { $side ->
       [by-you] You took a pinned message away
      *[other] {$by} took a pinned message away
    }
line-deleted =
    { $side ->
       [by-you] You deleted a message for everybody
      *[other] {$by} deleted a message for everybody
    }
line-added =
    { $side ->
       [by-you] You added {$whom}
       [to-you] You were added by {$by}
      *[other] {$by} added {$whom}
    }
line-joined =
    { $side ->
       [by-you] {$whom} came by a link, let in by you
       [to-you] You came by a link, let in by {$by}
      *[other] {$whom} came by a link, let in by {$by}
    }
line-removed =
    { $side ->
       [by-you] You removed {$whom}
       [to-you] You were removed by {$by}
      *[other] {$by} removed {$whom}
    }
line-banned =
    { $side ->
       [by-you] You banned {$whom}
       [to-you] You were banned by {$by}
      *[other] {$by} banned {$whom}
    }
line-unbanned =
    { $side ->
       [by-you] You let {$whom} come again
       [to-you] {$by} lets you come again
      *[other] {$by} lets {$whom} come again
    }
line-unmuted =
    { $side ->
       [by-you] You unmuted {$whom}
       [to-you] You were unmuted by {$by}
      *[other] {$by} unmuted {$whom}
    }
line-muted =
    { $side ->
       [by-you] You muted {$whom} for good
       [to-you] You were muted for good by {$by}
      *[other] {$by} muted {$whom} for good
    }
line-muted-until =
    { $side ->
       [by-you] You muted {$whom} until {$until}
       [to-you] You were muted by {$by} until {$until}
      *[other] {$by} muted {$whom} until {$until}
    }
you-object = you
line-dropped =
    { $count ->
       [one] A message written after that was dropped.
      *[other] {$count} messages written after that were dropped.
    }

## Network

network-none = No network
network-online =
    { $count ->
       [one] 1 contact online
      *[other] {$count} contacts online
    }
network-seeks-node = Looking for a community node…
network-seeks = Looking for your contacts…
network-ready = Ready
network-facts =
    { $peers ->
       [one] 1 peer
      *[other] {$peers} peers
    }, {$up} of {$nodes} community nodes, {$dht} in the directory of devices
mailbox-refused = It does not take you: its owner may have to add you as a contact.
mailbox-refused-places = It opens fewer places for your contacts than it is asked for.
mailbox-refused-work = It asks for more work than this computer does: too many want a place there.
mailbox-refused-much = It does not take you now: too much was asked of it from your network. It is asked again.
mailbox-refused-full = It is full and does not take you; it is asked again within a day.
mailbox-refused-unknown = It does not take you without a voucher: ask whoever runs it for one, and add it again with that.
mailbox-refused-voucher = It does not take your voucher: ask whoever runs it for the word that counts now.
mailbox-closing = It is closing; what it holds is being fetched.
mailbox-good = It has a place for your messages, and answers.
mailbox-away = It has a place for your messages; it does not answer now.
mailbox-asked = It is being asked.
mailbox-chosen = Chosen by you
mailbox-found = Found by itself
mailbox-without =
    { $count ->
       [one] one contact has no place there
      *[other] {$count} contacts have no place there
    }
mailbox-since = since {$day}
mailbox-last = last message {$when}
mailbox-free = {$size} free
mailboxes-none = No mailbox keeps messages for you yet. While you are away, they wait with those who wrote them. Add a community node, or ask a friend to switch on “Help others”.
mailboxes-some =
    { $count ->
       [one] One mailbox has a place for your messages; {$answer} of 1 answers now. Three are best: any two may die.
      *[other] {$count} mailboxes have a place for your messages; {$answer} of them { $answer ->
           [one] answers
          *[other] answer
        } now. What is left there is sealed.
    }
node-connected = It is connected.
node-silent = It does not answer now.
node-relays = others reach you through it
node-mailbox = has a place for your messages
node-named = named for this run of the program
place = {$host}, port {$port}
helping-problem = Nothing is kept now: {$why}. It is tried again by itself.
helping-people =
    { $count ->
       [one] one person
      *[other] about {$count} people
    }
helping-messages =
    { $count ->
       [one] One message waits here
      *[other] {$count} messages wait here
    }
helping-contacts = This computer keeps sealed messages for your contacts.
helping-anybody = This computer keeps sealed messages for anybody who asks.
helping-contacts-since = This computer keeps sealed messages for your contacts since {$day}.
helping-anybody-since = This computer keeps sealed messages for anybody who asks since {$day}.
helping-nobody = Nobody has a mailbox here yet.
helping-holds = {$messages}, {$size} in all, for {$people}.
helping-gives-until = {$messages}, {$size} in all. It is still given to whoever comes for it, until {$day} at the latest.
helping-gives = {$messages}, {$size} in all. It is still given to whoever comes for it.
helping-closing = It is off: nothing new is taken.
helping-off = This computer keeps nothing for others.
help-at-most = {$size} at most

## Notifications

notice-title-many = {$name} ({$count} new)
notice-wrote = {$name} wrote
notice-new-message = New message
notice-request = Open Kith to accept or decline.
notices-what = When a message comes
notices-text = Show who wrote, and what
notices-name = Show only who wrote
notices-nothing = Show nothing
notices-rules = None comes of the chat that you look at. In groups, each keeps to what you chose for it: every message, only mentions, or nothing.
notices-lock-screen = What is shown may be read by others on the lock screen, and is kept by some systems.

## Settings

settings-page-general = General
settings-page-notices = Notifications
settings-page-filters = Filters and blocks
settings-page-nodes = Nodes
settings-page-mailboxes = Mailboxes
settings-page-help = Help others
settings-page-connection = Connection
settings-this-device = This device
settings-language = Language
settings-language-system = As the system
filters-title = Words that you do not want to read
filters-what = A message of others with one of these words is hidden behind a line, and one click shows it. Nothing is deleted, and nobody learns of it. Whole words count, in any case.
filters-add-label = Add words
filters-add = Hide
filters-hint = One or more, with commas between
filters-none = None yet: you read everything.
filters-remove = Do not hide “{$word}” any more
blocks-title =
    { $count ->
       [one] 1 person blocked
      *[other] {$count} people blocked
    }
blocks-what = They can neither write to you nor see when you are online. They are not told.
blocks-copy = Copy as a list
blocks-save = Save as a file
blocks-import-title = Take a list of somebody else
blocks-import-what = First you see how many it would block. Nobody is blocked before you say so.
blocks-import-hint = Paste the list, or drop the file here
blocks-look = Look at it
blocks-no-list = This is no list of blocked people, or there is a mistake in it. Nobody was blocked.
blocks-preview =
    { $count ->
       [one] It would block 1 person.
      *[other] It would block {$count} people.
    }
blocks-preview-known =
    { $count ->
       [one] 1 on it is blocked already.
      *[other] {$count} on it are blocked already.
    }
blocks-preview-contacts =
    { $count ->
       [one] 1 of them is among your contacts.
      *[other] {$count} of them are among your contacts.
    }
blocks-preview-own = You are on it yourself; that is passed over.
blocks-import =
    { $count ->
       [one] Block 1 person
      *[other] Block {$count} people
    }

## Public rooms

kind-private = Private group
kind-private-means = Only people who are added or get a link come in. Newcomers see nothing from before.
kind-room = Public room
kind-room-means = Anybody who has its link can come in and read what was said. Write nothing here that must stay secret.
kind-directory = Directory of rooms
kind-directory-means = A public room whose members list other rooms, so that people find them.
kind-coming-in = Coming in
kind-by-work = Anybody, after some seconds of work by their computer
kind-by-approval = Somebody has to let each one in
kind-link-follows = You get its link as soon as it is made.
kind-newcomers = At first, newcomers
kind-write-at-once = May write at once
kind-observers-first = Only read, until they are made members
rules-openness = Openness
rules-public = Public room
rules-public-means = It has one link that every member can pass on.
rules-observers-first = Newcomers only read at first
rules-observers-first-means = They come as observers, until somebody makes them members.
rules-directory = Directory of rooms
rules-directory-means = Members can list public rooms in it.
links-public = The link of this room
links-public-none = It has none yet: somebody who keeps order here has to make it.
links-public-what = Anybody may come in by it. Pass it on wherever you like.
links-public-approval = Anybody may ask to come in by it, and somebody lets them in. Pass it on wherever you like.
links-list-room = List it in a directory
page-banned = Banned and muted
page-listings = In directories
page-reports = Reports
directory-rooms = Rooms in this directory
muted-title = Muted
muted-none = Nobody is muted.
banned-title = Banned
listings-what = Members of a directory find this room there by its name, topic and these words. What you say here is shown with your name.
listings-no-directories = You are in no directory yet. Paste the link of one to come in.
listings-language = Language, like en or pt-BR (optional)
listings-tags = Words by which it is found, at most eight (optional)
listings-directories = Your directories
listings-by-you = Listed by you {$day}
listings-by = Listed by {$name}
listings-not = Not listed
listings-may-not = You cannot write there, so you cannot list rooms.
listings-renew = List again
listings-publish = List the room
listings-unpublish = Take it out
discover-title = Discover rooms
discover-search = Search by name, topic, language or tag
discover-all-directories = All directories
discover-found =
    { $count ->
       [one] 1 room
      *[other] {$count} rooms
    }
discover-no-directories = You are in no directory yet
discover-what-directories-are = Rooms are found in directories: groups whose members list public rooms. Paste the link of a directory that somebody gave you, and what it lists appears here. You search on your own computer; nobody learns what you look for.
discover-paste-link = Paste a link
discover-make-directory = Make a directory
discover-empty = No rooms listed yet
discover-empty-hint = List one of your own public rooms from its panel.
discover-nothing-hint = Try other words, or fewer.
room-listed = Listed by {$name} in {$directory}, {$day}
room-listed-by-you = Listed by you in {$directory}, {$day}
room-take-out = Take out of the directory…
room-join = Join…
room-open = Open
room-asking = Asked
join-title = Join a group
join-ask = Ask to join
join-unnamed = A group or public room
join-unnamed-hint = Its name is told as soon as somebody lets you in.
join-inside = You are in this group already.
join-asking = You ask to come in already.
join-hosts =
    { $count ->
       [one] One member is asked, and others are looked for.
      *[other] {$count} members are asked, and others are looked for.
    }
join-seen = Members see your name, and when you are online.
join-approval = You are in as soon as a member lets you in; in some groups somebody has to agree first.
join-work = Your computer works some seconds for it, which keeps out those who would come a thousand times.

## Reports

report-title = Report this message
report-why = What is wrong with it?
report-why-spam = Advertising or spam
report-why-abuse = Insults, threats or hate
report-why-rules = Against the rules of this group
report-why-law = Against the law
report-why-other = Something else
report-words = More about it (optional)
report-words-needed = What is it?
report-told = Only {$names} will see it: the message, your reason, and that it comes from you. {$author} is not told.
report-told-author = {$author} keeps order here too, and will see it.
report-told-more =
    Only {$names} and { $count ->
       [one] 1 other
      *[other] {$count} others
    } who keep order will see it: the message, your reason, and that it comes from you. {$author} is not told.
report-send = Report
reports-none = No reports
reports-none-hint = What members report appears here, for those who keep order.
reports-what = Only those who keep order see this. The words are as their author signed them.
reports-by = {$name} reported, {$when}
reports-no-reason = No reason given
reports-go = Go to message
reports-member = {$name}…
reports-dismiss = Dismiss
reports-dismiss-hint = Forgets the report on this device; the message stays
reports-author-gone = Whoever wrote it is no member any more.

## What became of a message

trace-read = They have read it.
trace-delivered = It is on a device of theirs.
trace-failed = It is not sent any more, and nobody has confirmed that they have it.
trace-kept =
    {$count} of {$of} of their mailboxes { $count ->
       [one] has
      *[other] have
    } promised to keep it until {$day}.
trace-not-kept = It waits here: no promise of a mailbox of theirs that is known holds any more.
trace-sent = It was sent; their device has not confirmed it yet.
trace-no-mailbox = It waits here until both are online: no mailbox of theirs is known.
trace-waits = It waits here: neither a device nor a mailbox of theirs has taken it yet.
trace-mailbox-keeps = Mailbox {$number} has promised to keep it until {$day}.
trace-confirmed = Their device confirmed {$ago} that it has it.
trace-confirmed-once = Their device confirmed that it has it; when is not remembered.
trace-was-read = It was read {$ago}.
trace-untried = Nothing was tried yet since this device was started.
trace-dial = Looking for their device
trace-direct = Sent over a direct connection
trace-relayed = Sent through a relay
trace-left = Left in {$place}
trace-not-left = Not left in {$place}
trace-end-nobody = nobody answered at any address
trace-end-silent = it did not answer
trace-end-sent = on its way; only a receipt says that it arrived
trace-end-broken = the connection ended before a receipt came
trace-end-kept = it promised to keep it
trace-end-no-place = they have opened no place there for you
trace-end-no-room = it had no room for more from you: what you left before is still there, or too much came at once
trace-end-full = it is full
trace-end-closing = it closes and takes nothing any more
trace-end-work = it wants more work than this device does for it
trace-end-refused = it said no
trace-once = {$way}, {$ago}: {$end}.
trace-times = {$way}, {$count} times, last {$ago}: {$end}.
trace-last = {$way}, last {$ago}: {$end}.
trace-next-dial-now = Their device is being looked for now.
trace-next-dial = Their device is looked for again {$when}: the pause grows while nobody answers.
trace-next-now = It is being left in {$place} {$when}.
trace-next-refused = It is left in {$place} again {$when}, the pause after a no.
trace-next-no-room = It is left in {$place} again {$when}, or as soon as they have been there and made room.
trace-next-renewal = It is left in {$place} anew {$when}, before what it promised ends.
trace-next-silent = It is left in {$place} {$when}: it did not answer, and the pause grows with each time.
trace-next-receipt = They are asked for a receipt {$when}, if none comes before.
trace-next-here = It goes over the connection that is there now.
trace-a-mailbox = a mailbox
trace-old-mailbox = a mailbox that they used before
trace-mailbox = mailbox {$number}
just-now = just now
ago-seconds =
    { $count ->
       [one] 1 second
      *[other] {$count} seconds
    } ago
ago-minutes =
    { $count ->
       [one] 1 minute
      *[other] {$count} minutes
    } ago
ago-hours =
    { $count ->
       [one] 1 hour
      *[other] {$count} hours
    } ago
ago-days =
    { $count ->
       [one] 1 day
      *[other] {$count} days
    } ago
now = now
in-seconds =
    in { $count ->
       [one] 1 second
      *[other] {$count} seconds
    }
in-minutes =
    in { $count ->
       [one] 1 minute
      *[other] {$count} minutes
    }
in-hours =
    in { $count ->
       [one] 1 hour
      *[other] {$count} hours
    }
in-days =
    in { $count ->
       [one] 1 day
      *[other] {$count} days
    }
verdict-good = All is well.
verdict-unknown =
    All is well, as far as is known; { $count ->
       [one] one thing was
      *[other] {$count} things were
    } not measured yet.
verdict-bad =
    { $count ->
       [one] One thing needs you.
      *[other] {$count} things need you.
    }
link-for =
    { $role ->
     [observer] For a new observer
    *[member] For a new member
     [moderator] For a new moderator
     [admin] For a new admin
     [owner] For a new owner
 }
doubt-step-down =
    { $role ->
     [observer] Step down to observer?
    *[member] Step down to member?
     [moderator] Step down to moderator?
     [admin] Step down to admin?
     [owner] Step down?
 }
silence-only-from =
    { $role ->
     [observer] Everybody writes in this group.
    *[member] Members and above write in this group.
     [moderator] Only moderators, admins and owners write in this group.
     [admin] Only admins and owners write in this group.
     [owner] Only owners write in this group.
 }
line-role =
    { $side ->
       [by-you] { $role ->
           [observer] You made {$whom} an observer
          *[member] You made {$whom} a member
           [moderator] You made {$whom} a moderator
           [admin] You made {$whom} an admin
           [owner] You made {$whom} an owner
        }
       [to-you] { $role ->
           [observer] You were made an observer by {$by}
          *[member] You were made a member by {$by}
           [moderator] You were made a moderator by {$by}
           [admin] You were made an admin by {$by}
           [owner] You were made an owner by {$by}
        }
      *[other] { $role ->
           [observer] {$by} made {$whom} an observer
          *[member] {$by} made {$whom} a member
           [moderator] {$by} made {$whom} a moderator
           [admin] {$by} made {$whom} an admin
           [owner] {$by} made {$whom} an owner
        }
    }


## Calls

notice-calls = { $name } is calling
call-start = Voice call
call-start-video = Video call
call-no-contact = Only people who have accepted you as a contact can be called.
call-no-talking = You are in a call already.
call-no-network = There is no network.
call-no-camera = No camera was found, or none is chosen: look into the settings under “Calls”.
call-no-screen = No screen was found, or none is chosen: look among the devices.
call-calling = Calling…
call-ringing = Ringing…
call-incoming = Voice call
call-incoming-video = Video call
call-connecting = Connecting…
call-reconnecting = The connection was lost: looking for another…
call-hold-own = On hold
call-hold-theirs = They have put the call on hold
call-end-finished = The call has ended
call-end-declined = Declined
call-end-busy = Busy: there was another call
call-end-no-answer = Nobody answered
call-end-unreachable = Nobody could be reached: they will see that you called
call-end-cancelled = Cancelled before it was answered
call-end-missed = Missed
call-end-answered-elsewhere = Answered on your other device
call-end-declined-elsewhere = Declined on your other device
call-end-unsupported = Their device cannot take such calls
call-end-no-connection = No connection for sound was found between the two devices
call-end-lost = The connection was lost
call-end-interrupted = Kith was closed during the call
call-end-no-microphone = No microphone could be used: look into the settings under “Calls”
call-end-no-relay = Your address is hidden from this person in calls, and no community node that passes calls on is there: add one, compare safety numbers, or allow direct calls
call-end-no-agreement = The two devices could not agree how to talk: update Kith on both
call-end-broken = Sound stopped working on this device
call-end-replaced = Both called at the same time: the other call goes on
call-line-missed = Missed call
call-line-missed-video = Missed video call
call-line-out = Outgoing call
call-line-out-video = Outgoing video call
call-line-in = Incoming call
call-line-in-video = Incoming video call
call-line-whole = { $what }: { $how }
call-line-at = { $clock } · { $how }
call-went-unheard = Ended before it was connected
call-went-broken = { $talked }: { $why }
call-went-declined = You declined
call-went-busy = You were in another call
call-went-unsupported = This device cannot take calls
call-quality-none = No connection
call-quality-bad = Bad connection
call-quality-weak = Weak connection
call-quality-fair = Fair connection
call-quality-good = Good connection
call-to-chats = Show the chats; the call goes on
call-larger = Use the whole window
call-smaller = Show the chats beside it
call-figures = What is measured
call-their-screen = Screen of { $name }
call-their-recording = recorded by the other side
call-their-picture = Picture of { $name }
call-own-picture = Your own picture
call-they-are-silent = { $name } has switched the microphone off
call-return = Return to the call
call-return-to = Return to the call with { $name }
call-bar = { $name } · { $state }
call-hang-up = Hang up
call-mute = Switch the microphone off
call-unmute = Switch the microphone on
call-camera-on = Switch the camera on
call-camera-off = Switch the camera off
call-screen-on = Show your screen
call-screen-off = Do not show your screen any more
call-hold = Put on hold
call-resume = Go on with the call
call-devices = Devices
call-microphone = Microphone
call-speaker = Speaker
call-camera = Camera
call-screen = Screen
call-level = How loud the microphone is
call-device-default = As the system has it
call-device-none = None
call-device-first = The first one
call-device-pattern = Test picture
call-decline = Decline
call-accept = Accept
call-accept-video = With camera
call-again = Call again
call-back = Call back
call-back-video = Call back with video
settings-page-calls = Calls
notice-group-call = Call in { $name }
call-group = Group call
call-group-by = { $name } calls the group
call-group-by-more = { $name } and { $count ->
    [one] one other
   *[other] { $count } others
 } are in a call
call-group-start = Call the group
call-group-start-video = Call the group with video
call-group-join = Join
call-group-join-video = Join with camera
call-group-show = Show the call
call-group-waiting = Nobody else is here yet
call-group-people = { $count ->
    [one] one person
   *[other] { $count } people
 }
call-group-ongoing = A call is going on: { $count ->
    [one] one person is
   *[other] { $count } people are
 } in it
call-group-row = , a call is going on
call-no-member = Only members of the group can call it.
call-not-allowed =
    { $role ->
     [observer] Everybody may begin calls in this group.
    *[member] Members and above may begin calls in this group.
     [moderator] Only moderators, admins and owners may begin calls in this group.
     [admin] Only admins and owners may begin calls in this group.
     [owner] Only owners may begin calls in this group.
 }
call-hand-raise = Raise your hand
call-hand-lower = Take your hand down
call-hand-of = { $name } has raised a hand
call-arrange-grid = Show everybody alike
call-arrange-speaker = Show who speaks large
call-tile-larger = Show { $name } large
call-tile-smaller = Do not show { $name } large any more
call-tile-connecting = connecting…
call-tile-silent = microphone off
call-mute-one = Switch off the microphone of { $name }
call-muted-by = { $name } has switched your microphone off
call-you = You
figures-forwarder = Passed on by
call-devices-what = What is plugged in is listed when this page opens. The test picture shows how a video call works.
call-test = Hear yourself
call-test-end = Stop
call-test-what = A call to yourself: you hear what the microphone hears two seconds later, as others would.
call-test-speak = Say something: it comes back after two seconds. With loudspeakers the echo is taken out.
call-test-no-speaker = No speaker could be used: choose another one above.
call-hide-one = Network address in calls
call-hide-as-all = As in the settings
call-hide-always = Always hide it
call-hide-never = Never hide it
call-hide-title = Hide your network address in calls from
call-hide-everybody = Everybody
call-hide-unverified = People whose safety number you have not compared
call-hide-nobody = Nobody
call-hide-what = Calls go through relays alone then, which takes longer and needs a community node that relays. It holds from the next call on. With the second choice, people whose device is connected directly with yours for messages are called directly: they have the address anyway.
key-mute-one = In a call of a group: switch off the microphone of whoever is marked
key-call = Call who is open
key-mute = In a call: microphone on or off
key-camera = In a call: camera on or off
key-talk = In a call: speak while held
key-hang-up = Hang up
figures-none = Nothing was measured yet.
figures-path = Path
figures-path-none = being looked for
figures-path-direct = direct, UDP
figures-path-relayed = through a relay
figures-path-interrupted = interrupted
figures-path-failed = failed
figures-address = Your address
figures-address-hidden = hidden from them
figures-address-seen = visible to them
figures-round-trip = There and back
figures-millis = { $millis } ms
figures-loss = Lost on the way there
figures-percent = { $percent } %
figures-may-send = May send
figures-kilobits = { $rate } kbit/s
figures-megabits = { $rate } Mbit/s
figures-held = Jitter buffer
figures-made-up = Sound made up
figures-repaired = Repaired / lost
figures-repaired-of = { $repaired } / { $lost }
figures-bytes = sent / received
figures-bytes-of = { $sent } / { $came }
figures-size = picture
figures-shown = pictures shown

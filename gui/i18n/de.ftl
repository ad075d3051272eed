### Deutsch: du, kurz, ohne Fachwörter.


## Windows, dialogs, settings

you = Du
starting = Deine Nachrichten werden geöffnet …
cannot-start = Kith kann nicht starten
stopped-title = Kith ist stehen geblieben
stopped-full = Der Datenträger ist voll, es kann nichts mehr geschrieben werden. Schaffe mindestens {$room} Platz, wo {$folder} liegt, und öffne Kith dann wieder. Was bestätigt war, ist noch da.
stopped-storage = In den Ordner {$folder} konnte nicht geschrieben werden. Prüfe den Datenträger und ob du in den Ordner schreiben darfst, und öffne Kith dann wieder. ({$why})
stopped-fault = Ein Fehler im Programm hat es angehalten. Nichts, was bestätigt war, ist verloren: Öffne Kith wieder.
stopped-closed = Es wird nichts mehr gesendet und empfangen. Öffne Kith wieder.
stopped-keeps = Du kannst weiterlesen. Was du gerade schreibst, bleibt erhalten.
open-again = Wieder öffnen
opening-again = Wird geöffnet …
main-empty-hint = Lade jemanden ein oder nimm einen Link, den du bekommen hast.
main-empty = Noch niemand hier
add-title = Jemanden hinzufügen
main-choose = Wähle einen Chat
main-choose-hint = Strg+K sucht, Strg+/ zeigt alle Tastenkürzel.
chat-offline = Es gibt kein Netz. Was du schreibst, wird aufgehoben und geht raus, sobald es wieder da ist.
chat-refused-address = Unter dieser Adresse nimmt niemand Anfragen an: Entweder ist das nicht erwünscht, oder einen Monat lang war niemand da. Bitte um einen Link oder versuche es später.
chat-looked-for = Die Person wird über ihre Adresse gesucht. Das dauert einige Minuten oder, wenn sie zwei Tage weg war, bis sie wieder da ist. Schreiben kannst du, sobald sie gefunden ist.
chat-refused-link = Der Link wurde schon benutzt oder ist zu alt: Bitte um einen neuen und füge ihn hinzu. Was du geschrieben hast, bleibt erhalten.
chat-not-accepted = Noch nicht angenommen. Was du schreibst, wird aufgehoben und geht raus, sobald es so weit ist.
chat-blocked = Du hast diesen Kontakt blockiert: Es wird nichts gesendet und nichts empfangen.
back-to-chats = Zurück zu den Chats
safety-compared-mark = Du hast die Sicherheitsnummer verglichen
presence-direct = Direkt verbunden, Ende-zu-Ende-verschlüsselt
presence-mailboxes = Offline: Was du schreibst, wird in den Postfächern dort abgelegt
presence-offline = Offline: Es geht raus, wenn ihr beide online seid
presence-refused-address = Unter dieser Adresse wird niemand gefragt
presence-refused-link = Der Link gilt nicht mehr
presence-waiting = Wartet auf Antwort
presence-asks = Möchte hinzugefügt werden
blocked = Blockiert
more = Mehr
safety-compare = Sicherheitsnummer vergleichen
group-about = Über diese Gruppe
page-requests = Wer herein möchte
standing-asking = Wartet darauf, hereingelassen zu werden
standing-invited = Du bist eingeladen
standing-left = Du hast die Gruppe verlassen
standing-removed = Du wurdest entfernt
unpin = Lösen
pins-all = Alle angehefteten Nachrichten
emoji = Emoji
composer-hint = Nachricht
send = Senden
reply-cancel = Nicht antworten
forget = Vergessen …
somebody = Jemand
invited-stranger = Nicht unter deinen Kontakten. Mitglieder sehen deinen Namen und wann du online bist, sobald du annimmst.
accept = Annehmen
decline = Ablehnen
decline-group-hint = Du verlässt die Gruppe, und sie wird hier vergessen
key-search = Chats durchsuchen
key-add = Jemanden hinzufügen oder einer Gruppe beitreten
new-group = Neue Gruppe
key-mention = Jemanden erwähnen: Auf, Ab, Eingabe
settings = Einstellungen
key-next-chat = Voriger / nächster Chat
key-scroll = Nachrichten blättern
key-latest = Neueste Nachricht
key-send = Senden / neue Zeile
key-escape = Schließen oder nicht mehr antworten
key-list = Diese Liste
close = Schließen
add-give = Gib deine Einladung weiter
add-give-hint = Sie gilt einmal und eine Woche lang. Schicke sie auf einem Weg, dem du vertraust, oder lass sie scannen.
add-qr = Deine Einladung als QR-Code
copy-link = Link kopieren
add-new = Neu erstellen
add-making = Einladung wird erstellt …
add-use = Oder nimm ihre Einladung
add-hint = Link einer Person oder Gruppe (kith:…) oder Adresse (kith1…) einfügen, oder ein Bild des Codes hierher ziehen
add-address-hint = Die Person sieht, dass du nur ihre Adresse kennst. Dieser Computer rechnet dafür einige Sekunden.
add-greeting = Ein paar Worte dazu (freiwillig)
add-ask = Um Aufnahme bitten
safety-title = Sicherheitsnummer
safety-compared = Du hast sie verglichen.
safety-revoke = Nicht mehr
safety-same = Sie sind gleich
copy = Kopieren
trace-title = Deine Nachricht
remove-follows = Der Kontakt und alle Nachrichten mit ihm werden auf diesem Computer gelöscht. Das lässt sich nicht rückgängig machen.
remove = Entfernen
keep = Behalten
keyboard-title = Tastatur
page-rules = Regeln
page-links = Einladungslinks
back-to-group = Zurück zur Gruppe
close-panel = Seitenleiste schließen
menu-invite = Per Link einladen
menu-notify-all = Jede Nachricht melden
menu-notify-mentions = Nur, wenn ich erwähnt werde
mute = Stummschalten
menu-leave = Verlassen …
menu-forget = Mit allen Nachrichten vergessen …
stop-asking = Nicht mehr anfragen
about-notify = Benachrichtigen bei
about-change = Name und Thema ändern
name = Name
about-topic = Worum es geht
save = Speichern
cancel = Abbrechen
about-asking = Von dieser Gruppe ist nichts bekannt, bis dich jemand hereinlässt.
about-leave = Gruppe verlassen …
about-forget = Gruppe vergessen …
links-made = Schicke ihn auf einem Weg, dem du vertraust, oder lass ihn scannen. Kopiere ihn jetzt: Er wird nicht noch einmal gezeigt.
links-qr = Der Link als QR-Code
links-another = Noch einen erstellen
links-what = Wer den Link hat, kann um Einlass bitten und wird von irgendeinem Mitglied hereingelassen, das online ist.
come-as = Sie kommen als
links-life = Er gilt für
links-uses = Er ist für
links-approval-rule = Nach den Regeln dieser Gruppe muss jedes Mal jemand zustimmen.
links-approval = Jedes Mal muss jemand zustimmen
links-make = Link erstellen
links-open = Offene Links
links-none = Keine. Herein kommt nur, wer hinzugefügt wird.
links-revoke = Diesen Link zurückziehen
add-people = Leute hinzufügen
members-search = Mitglieder suchen
member-this-device = dieses Gerät
online = online
offline = offline
member-write = Eine Nachricht schreiben
copy-address = Adresse kopieren
step-down = Zurücktreten
change-role = Rolle ändern
member-unmute = Stummschaltung aufheben
member-remove = Entfernen …
member-ban = Bannen …
for-an-hour = Für eine Stunde
for-a-day = Für einen Tag
for-a-week = Für eine Woche
until-lifted = Bis auf Weiteres
group-name = Name der Gruppe
people-who = Wer ist dabei? Weitere können später dazukommen.
people-choose = Wähle unter deinen Kontakten.
people-nobody = Niemand gefunden.
people-no-contacts = Du hast noch keine Kontakte. Du kannst die Gruppe jetzt anlegen und per Link einladen.
people-all-members = Alle deine Kontakte sind schon Mitglieder. Andere können per Link kommen.
people-make = Gruppe anlegen
people-add = Hinzufügen
people-search = Kontakte suchen
requests-none = Im Moment möchte niemand herein.
requests-what = Sie haben einen Link. Namen können erfunden sein: Lass nur herein, wen du erwartest.
let-in = Hereinlassen
refuse = Ablehnen
banned-none = Niemand ist gebannt.
banned-what-may = Sie können über keinen Link zurückkommen. Den Bann aufzuheben nimmt sie nicht wieder auf.
banned-what = Sie können über keinen Link zurückkommen.
banned-lift = Bann aufheben
rule-post = Wer Nachrichten schreibt
rule-invite = Wer Leute hinzufügt und Links erstellt
rule-pin = Wer Nachrichten anheftet
rule-mention-all = Wer mit @all alle ruft
rule-profile = Wer Name und Thema ändert
rule-files = Wer Dateien sendet
rule-calls = Wer Anrufe startet
rules-by-admins = Admins und Inhaber legen die Regeln fest.
rules-what = Das Gerät jedes Mitglieds hält sich an diese Regeln. Eine neue Regel gilt von da an.
rules-slow = Langsamer Modus: Pause zwischen zwei Nachrichten
never = Nie
rules-disappear = Nachrichten verschwinden überall
rules-history = Was Neue sehen
rules-approve = Wer per Link kommt, muss hereingelassen werden
rules-save = Regeln speichern
undo = Rückgängig
rules-slow-short = Pause zwischen zwei Nachrichten
rules-let-in = Muss hereingelassen werden
rules-as-link-says = Wie es im Link steht
rules-by-link = Wer per Link kommt
rules-roles = Rollen
receipts-title = Wer sie hat
receipts-none = Niemand sonst war in der Gruppe, als du sie geschrieben hast, oder sie geht von Mitglied zu Mitglied.
receipts-read = Gelesen
receipts-delivered = Zugestellt
receipts-not-yet = Noch nicht
settings-name = Name
settings-status = Statuszeile
settings-copy-address = Meine Adresse kopieren
settings-knocks = Wer meine Adresse kennt, darf um Aufnahme bitten
settings-knocks-on = Wer die Adresse hat, kann auch herausfinden, welches Gerät deines ist und welche Postfächer du benutzt. Anfragen von Fremden sind gekennzeichnet und kosten sie Rechenarbeit.
settings-knocks-off = Nur wem du einen Link gibst, kann fragen. Wer deine Adresse vorher hatte, kann das herausfinden.
settings-look = Aussehen
look-system = Wie das System
look-light = Hell
look-dark = Dunkel
passphrase-title = Passphrase dieses Computers
passphrase-what = Sie verschließt deine Nachrichten auf diesem Computer. Niemand kann sie zurücksetzen.
passphrase-now = Die jetzige Passphrase; leer, wenn es keine gibt
passphrase-remove = Schutz entfernen
passphrase-new = Neue Passphrase
passphrase-again = Noch einmal dieselbe
passphrase-change = Ändern
settings-shortcuts = Tastenkürzel
connection-report-what = Ein Bericht sagt dasselbe, ohne Namen, Adressen oder Nachrichten. Lies ihn, bevor du ihn weitergibst.
connection-report = Bericht speichern
help-what = Dieser Computer kann ein Postfach sein: Er hebt versiegelte Nachrichten für Leute auf, die gerade weg sind, und gibt sie aus, wenn sie kommen. Lesen kann er sie nicht. Am meisten hilft er, wenn er den ganzen Tag läuft.
help-whom = Für wen
help-contacts = Meine Kontakte
help-anybody = Alle
help-contacts-what = Deine Kontakte finden es von selbst, während sie mit dir verbunden sind.
help-anybody-what = Andere brauchen die Adresse unten. Fremde müssen erst etwas rechnen, bevor sie hereinkommen.
help-how-much = Wie viel
help-on = Einschalten
help-off = Ausschalten
help-address = Seine Adresse
show-code = Code zeigen
copy-its-address = Adresse kopieren
nodes-what = Sie helfen deinen Geräten und denen deiner Freunde, einander zu finden. Sie sehen, wann du online bist und von wo, und nie, was du schreibst.
nodes-none = Noch keine: Freunde werden in diesem Netz gefunden und dort, wo sie zuletzt waren.
nodes-remove = Diesen Knoten entfernen
nodes-add-label = Einen hinzufügen: die Zeile, die er ausgegeben hat, /ip4/…/p2p/…
nodes-add = Knoten hinzufügen
mailboxes-remove = Dieses Postfach nicht benutzen
mailboxes-add-label = Ein anderes benutzen: die Adresse eines Knotens, der Nachrichten aufhebt
mailboxes-voucher-label = Der Gutschein dafür, falls du einen bekommen hast
mailboxes-add = Dieses Postfach benutzen
code-hint = Oder zieh ein Bild des Codes hierher oder füge es ein.
address-qr = Die Adresse als QR-Code
hide-code = Code verbergen
chats-title = Chats
nothing-found = Nichts gefunden
search-hint = Suchen  Strg+K
request-stranger = Fremd: kennt nur deine Adresse, wie jeder sie kennen kann, und der Name kann erfunden sein. Nimm nur an, wen du erwartest.
decline-stranger-hint = Die Person erfährt es nicht und kann nicht noch einmal über deine Adresse fragen
decline-hint = Die Person erfährt es nicht und darf wieder fragen
block = Blockieren
contact-unblock = Freigeben
contact-remove = Mit allen Nachrichten entfernen …
preview-disappearing = Verschwindende Nachricht
preview-refused = Niemand nimmt die Anfrage an
preview-requested = Anfrage gesendet, noch keine Antwort
preview-hello = Sag Hallo
empty-group-hint = Sag Hallo. Nur Mitglieder können es lesen.
empty-chat-hint = Sag Hallo. Nur ihr zwei könnt es lesen.
no-messages = Noch keine Nachrichten
jump-latest = Zur neuesten Nachricht
quote-earlier = Frühere Nachricht
menu-answer = Antworten
menu-copy = Text kopieren
menu-pin = Für alle anheften
menu-delete-for-all = Für alle löschen …
menu-trace = Was daraus wurde
gap = Hier fehlen Nachrichten, die andere haben
welcome-what = Deine Nachrichten liegen auf deinen Geräten und sonst nirgends. Keine Telefonnummer, kein Konto bei einer Firma.
welcome-title = Willkommen bei Kith
welcome-name = Dein Name, wie Freunde ihn sehen
welcome-returning = Ich habe eine Wiederherstellungsphrase
welcome-words = Die 24 Wörter, der Reihe nach
welcome-returning-what = Dein Konto zieht auf dieses Gerät um. Kontakte und Nachrichten waren auf dem verlorenen: Deine Kontakte sehen, dass du es bist, sobald ihr euch wieder hinzufügt.
welcome-protect = Meine Nachrichten auf diesem Computer mit einer Passphrase verschließen
passphrase = Passphrase
welcome-protect-what = Niemand kann sie zurücksetzen: Ohne sie bleiben die Nachrichten auf diesem Computer verschlossen.
welcome-start = Los geht’s
welcome-making = Deine Schlüssel werden erzeugt …
phrase-check = Eine Kontrolle
phrase-check-what = Tippe eines der Wörter von deinem Zettel.
continue = Weiter
phrase-again = Wörter noch einmal zeigen
phrase-what = Schreibe diese 24 Wörter der Reihe nach auf Papier. Nur mit ihnen bist du wieder du selbst, wenn dieser Computer verloren geht. Sie werden nur dieses eine Mal gezeigt.
phrase-title = Deine Wiederherstellungsphrase
phrase-kept = Ich habe sie aufgeschrieben
locked-title = Kith ist verschlossen
locked-what = Gib die Passphrase dieses Computers ein.
unlock = Aufschließen
state-queued = wartet auf eine Verbindung
state-sent = gesendet
state-stored = wartet hier: Was die Postfächer versprochen haben, ist abgelaufen
state-promised =
    {$count} von {$of} Postfächern { $count ->
       [one] hat
      *[other] haben
    } versprochen, sie bis {$day} aufzuheben
state-delivered = zugestellt
state-read = gelesen
state-failed = nicht zugestellt: Dieser Kontakt ist blockiert

## Failures

node-stopped = Kith ist stehen geblieben. Öffne es zuerst wieder.
fail-message-gone = Diese Nachricht gibt es nicht mehr.
fail-contact-gone = Diesen Kontakt gibt es nicht mehr.
fail-not-written = Die Datei konnte nicht geschrieben werden: {$why}
fail-no-code = In diesem Bild ist kein Code von Kith: Versuche ein schärferes.
fail-not-kept = Diese Einstellung konnte nicht gespeichert werden: {$why}
fail-no-account = In diesem Ordner gibt es noch kein Konto.
fail-has-account = In diesem Ordner gibt es schon ein Konto.
fail-locked = Dieses Konto ist verschlossen: Schließe es erst mit seiner Passphrase auf.
fail-bad-phrase = Das sind nicht die 24 Wörter einer Wiederherstellungsphrase: Fehlt eines, ist eines vertauscht oder falsch geschrieben?
fail-wrong-passphrase = Das ist nicht die Passphrase. Prüfe sie und versuche es noch einmal.
fail-disk-full = Auf dem Datenträger ist kein Platz mehr: Schaffe welchen und versuche es noch einmal.
fail-in-use = Ein anderes Kith benutzt diesen Ordner. Schließe es zuerst.
fail-bad-node-address = Das ist keine Adresse eines Knotens: Kopiere die ganze Zeile, die er ausgegeben hat, /ip4/…/p2p/…
fail-bad-size = Ein Postfach hat mindestens 64 MiB und höchstens 1 TiB.
fail-damaged = Die Daten dieses Kontos sind beschädigt: Stelle den Ordner aus einer Kopie wieder her. ({$why})
fail-other = Das hat nicht geklappt: {$why}
fail-damaged-address = In dieser Adresse ist ein Fehler, oder ein Teil fehlt: Kopiere sie noch einmal.
fail-damaged-link = Dieser Link ist beschädigt oder zu neu für diese Version: Bitte noch einmal um den ganzen Link.
fail-no-link = Das ist weder ein Link noch eine Adresse: Ein Link beginnt mit kith: und eine Adresse mit kith1.
fail-too-long = Dieser Text ist zu lang: Höchstens {$limit} Byte passen hierher.
fail-empty-name = Ein Name braucht mindestens ein sichtbares Zeichen.
fail-empty-message = Schreibe zuerst etwas.
fail-unknown-chat = Diesen Chat gibt es nicht.
fail-unknown-invite = Diese Einladung gibt es nicht, oder sie ist verbraucht.
fail-own-invite = Das ist deine eigene Einladung: Gib sie jemand anderem.
fail-own-address = Das ist deine eigene Adresse: Gib sie jemand anderem.
fail-not-found-yet = Diese Person ist noch nicht gefunden: Schreibe in einer Minute noch einmal.
fail-already-asked = Du hast diese Person schon gefragt: Warte auf Antwort oder nimm einen Link.
fail-invite-useless = In dieser Einladung steht nicht, wo zu fragen ist: Besorge eine neue.
fail-invite-forged = Diese Einladung ist nicht echt: Sie nennt ein Gerät eines anderen deiner Kontakte.
fail-invite-expired = Diese Einladung ist abgelaufen: Bitte um eine neue.
fail-already-contact = Diese Person ist schon ein Kontakt.
fail-blocked = Dieser Kontakt ist blockiert: Gib ihn zuerst frei.
fail-not-requested = Diese Person hat nicht um Aufnahme gebeten oder ist schon angenommen.
fail-not-accepted = Nimm erst an, bevor du schreibst.
fail-outbox-full = Für diesen Kontakt warten zu viele Nachrichten: Versuche es wieder, wenn einige zugestellt sind.
fail-no-address = Dieses Gerät hat noch keine Netzadresse: Warte kurz und versuche es noch einmal.
fail-own-mailbox = Das ist dieses Gerät selbst: Seine Nachrichten muss ein anderes aufheben.
fail-unknown-mailbox = Das ist keines deiner Postfächer.
fail-unknown-bootstrap = Das ist keiner deiner Gemeinschaftsknoten.
fail-too-many = Davon gibt es schon zu viele: Entferne zuerst eines.
fail-slow-mode =
    Diese Gruppe ist im langsamen Modus: Die nächste Nachricht geht in { $secs ->
       [one] 1 Sekunde
      *[other] {$secs} Sekunden
    }.
fail-unknown-group = Diese Gruppe gibt es nicht.
fail-not-in-group = Du bist kein Mitglied dieser Gruppe.
fail-still-member = Du bist Mitglied dieser Gruppe: Verlasse sie zuerst.
fail-cannot-add = Diese Person kann nicht hinzugefügt werden: Das geht nur mit deinen Kontakten.
fail-may-not-post = Du darfst in dieser Gruppe gerade nicht schreiben.
fail-no-such-request = Diese Person möchte nicht mehr herein.
fail-no-directory = Diese Gruppe ist kein Verzeichnis von Räumen.
fail-not-public = Diese Gruppe ist kein öffentlicher Raum oder hat noch keinen Link.
fail-not-listed = Du hast diesen Raum dort nicht eingetragen.
fail-not-answered = Deine Anfrage ist noch nicht beantwortet: Schreibe, sobald sie es ist.
fail-role-too-low = Deine Rolle in dieser Gruppe erlaubt das nicht.
fail-not-outranked = Das kann nur jemand mit höherer Rolle oder wer länger dabei ist.
fail-role-too-high = Du kannst keine Rolle vergeben, die nicht unter deiner liegt.
fail-already-member = Diese Person ist schon Mitglied.
fail-no-such-member = Diese Person ist kein Mitglied der Gruppe.
fail-banned = Diese Person ist gebannt: Hebe zuerst den Bann auf.
fail-not-banned = Diese Person ist nicht gebannt.
fail-group-full = Diese Gruppe ist voll.
fail-no-such-link = Diesen Link gibt es nicht, oder er wurde zurückgezogen.
fail-link-used-up = Dieser Link ist verbraucht.
fail-oneself = Das kannst du nicht mit dir selbst tun.

## Toasts

toast-copied = Kopiert
toast-saved = Gespeichert als {$path}
toast-report-saved = Gespeichert als {$path}. Niemand wird darin genannt.
toast-passphrase-changed = Die Passphrase ist geändert
toast-profile-saved = Profil gespeichert
toast-reported = Gemeldet. Nur wer für Ordnung sorgt, sieht es.
toast-request-written = Anfrage geschrieben: Sie geht raus, sobald die Person erreichbar ist
toast-busy = Der Knoten ist beschäftigt: Versuche es gleich noch einmal
toast-asking-ended = Du bittest nicht mehr um Einlass in diese Gruppe: Du hast aufgehört, oder der Link ist verbraucht, zurückgezogen oder abgelaufen
toast-group-made = Die Gruppe ist angelegt
toast-added = Hinzugefügt
toast-asked = Angefragt: Du bist drin, sobald dich jemand hereinlässt

## Account

passphrase-differ = Die beiden Passphrasen sind verschieden.
passphrase-short = Eine Passphrase braucht mindestens acht Zeichen; vier zufällige Wörter sind besser.
passphrase-new-differ = Die beiden neuen Passphrasen sind verschieden.
passphrase-leave-empty = Lass die neue Passphrase leer, um den Schutz zu entfernen.
passphrase-enter-new = Gib eine neue Passphrase ein, oder wähle, den Schutz zu entfernen.
phrase-wrong-word = Das ist nicht das Wort: Schau noch einmal auf deinen Zettel.
phrase-word = Wort {$number}

## Times

today = Heute
yesterday = Gestern
today-within = heute
yesterday-within = gestern
tomorrow-at = morgen um {$clock}
day-at = {$day} um {$clock}
date = {$day}. {$month}
date-year = {$day}. {$month} {$year}
date-short = {$day}. {$month}
thursday = Donnerstag
friday = Freitag
saturday = Samstag
sunday = Sonntag
monday = Montag
tuesday = Dienstag
wednesday = Mittwoch
thursday-short = Do
friday-short = Fr
saturday-short = Sa
sunday-short = So
monday-short = Mo
tuesday-short = Di
wednesday-short = Mi
january = Januar
february = Februar
march = März
april = April
may = Mai
june = Juni
july = Juli
august = August
september = September
october = Oktober
november = November
december = Dezember
january-short = Jan.
february-short = Feb.
march-short = März
april-short = Apr.
may-short = Mai
june-short = Juni
july-short = Juli
august-short = Aug.
september-short = Sep.
october-short = Okt.
november-short = Nov.
december-short = Dez.
off = Aus
weeks =
    { $count ->
       [one] 1 Woche
      *[other] {$count} Wochen
    }
days =
    { $count ->
       [one] 1 Tag
      *[other] {$count} Tage
    }
hours =
    { $count ->
       [one] 1 Stunde
      *[other] {$count} Stunden
    }
minutes =
    { $count ->
       [one] 1 Minute
      *[other] {$count} Minuten
    }
seconds =
    { $count ->
       [one] 1 Sekunde
      *[other] {$count} Sekunden
    }
after = {$stretch} später

## Adding

add-link-missing = Füge den Link ein, den du bekommen hast.
safety-what = Vergleiche diese Ziffern mit denen, die {$name} sieht, am Telefon oder nebeneinander. Sind sie gleich, sitzt niemand zwischen euch.
trace-written = Geschrieben {$day} um {$clock}.
remove-title = {$name} entfernen?
request-asks = {$name} möchte hinzugefügt werden

## Groups: roles

role-observer = Beobachter
role-member = Mitglied
role-moderator = Moderator
role-admin = Admin
role-owner = Inhaber
role-observer-means = liest mit
role-member-means = macht mit
role-moderator-means = sorgt für Ordnung
role-admin-means = legt Rollen und Regeln fest
role-owner-means = darf alles
from-observer = Alle
from-member = Ab Mitglied
from-moderator = Ab Moderator
from-admin = Admins und Inhaber
from-owner = Nur Inhaber
about-your-role =
    { $role ->
     [observer] Du bist Beobachter
    *[member] Du bist Mitglied
     [moderator] Du bist Moderator
     [admin] Du bist Admin
     [owner] Du bist Inhaber
 }
about-made-within = angelegt {$day}
about-made = Angelegt {$day}
about-version = Kith {$version}

## Groups: what they say

preview-disappearing-by = {$name}: verschwindende Nachricht
preview-said-by = {$name}: {$text}
preview-draft = Entwurf: {$text}
preview-you = Du: {$text}
hidden-preview = Von deinem Filter verborgen
members =
    { $count ->
       [one] 1 Mitglied
      *[other] {$count} Mitglieder
    }
members-online =
    { $count ->
       [one] 1 Mitglied
      *[other] {$count} Mitglieder
    }, {$online} online
group-asked-for = Eine Gruppe, in die du möchtest
group-without-name = Eine Gruppe ohne Namen
silence-asking = Noch hat dich niemand hereingelassen. Es geht weiter, wann immer du online bist.
silence-invited = Nimm die Einladung an, um hier zu schreiben.
silence-left = Du hast diese Gruppe verlassen. Was gesagt wurde, bleibt hier lesbar.
silence-removed = Du wurdest aus dieser Gruppe entfernt. Was gesagt wurde, bleibt hier lesbar.
silence-observer = Du bist in dieser Gruppe Beobachter: Du kannst lesen, nicht schreiben.
silence-muted = Du bist in dieser Gruppe stummgeschaltet, bis es jemand aufhebt.
silence-muted-until = Du bist in dieser Gruppe stummgeschaltet bis {$until}.
member-muted = stummgeschaltet
member-muted-until = stummgeschaltet bis {$until}
member-you = {$name} (du)
notify-all = Jede Nachricht
notify-nothing = Nichts
history-nothing = Nichts von vorher
history-last =
    { $count ->
       [one] Die letzte Nachricht
      *[other] Die letzten {$count} Nachrichten
    }
history-everything = Alles, was Mitglieder noch haben
people-chosen =
    { $count ->
       [one] 1 Person gewählt
      *[other] {$count} Personen gewählt
    }
pins-count =
    { $count ->
       [one] Angeheftet
      *[other] {$count} angeheftet
    }
pins-go = Zur angehefteten Nachricht von {$name}: {$text}
bar-asking =
    { $count ->
       [one] 1 möchte herein
      *[other] {$count} möchten herein
    }
bar-reports =
    { $count ->
       [one] 1 Meldung
      *[other] {$count} Meldungen
    }
bar-rooms = Räume
group-about-named = Über {$name}
reply-to-yourself = Antwort an dich selbst
reply-to = Antwort an {$name}
mention = {$name} erwähnen
mention-everybody =
    alle, { $count ->
       [one] 1 Mitglied
      *[other] {$count} Mitglieder
    }
invited-added = {$name} hat dich zu dieser Gruppe hinzugefügt
invited-to = Eingeladen zu „{$name}“
invited-by = von {$name}, nicht unter deinen Kontakten
pending-asking = Du möchtest herein: {$name}
pending-asked = Ein Mitglied hat deine Anfrage. Du bist drin, sobald dich jemand hereinlässt.
pending-looking = Ein Mitglied wird gesucht, das online ist. Das kann dauern; du kannst Kith inzwischen schließen.
unread-divider =
    { $count ->
       [one] 1 neue Nachricht
      *[other] {$count} neue Nachrichten
    }
row-unread = , {$count} ungelesen
row-mentioned = , du wirst erwähnt
row-asking = , {$count} möchten herein
row-reports =
    , { $count ->
       [one] 1 Meldung
      *[other] {$count} Meldungen
    }
disappears = verschwindet
slow-mode = Langsamer Modus: eine Nachricht je {$every}. Die nächste geht in {$left}.
hidden-by-filter = Von deinem Filter verborgen
hidden-show = Zeigen
menu-report = Melden …
menu-open-link = {$host} öffnen

## Links into groups

link-no-end = Ohne Ende
link-any-number = Beliebig viele
people =
    { $count ->
       [one] 1 Person
      *[other] {$count} Personen
    }
link-unused = Noch niemand kam darüber
link-used =
    {$count} { $count ->
       [one] kam
      *[other] kamen
    } darüber
link-used-of = {$used} von {$count} kamen darüber
link-endless = ohne Ende
link-expired = abgelaufen
link-until = bis {$until}
link-approval = jemand muss zustimmen
link-by-you = von dir
link-by = von {$name}

## Receipts

receipt-read = hat sie gelesen
receipt-delivered = hat sie
receipt-stored = die Postfächer haben versprochen, sie aufzuheben
receipt-sent = unterwegs
receipt-queued = wartet auf eine Verbindung
receipt-failed = nicht zugestellt
reached-all = von allen gelesen
reached-none = noch nicht zugestellt
reached-delivered = an {$count} von {$of} zugestellt
reached-read = von {$count} von {$of} gelesen

## Questions

doubt-remove = {$who} aus „{$name}“ entfernen?
doubt-remove-follows = {$who} liest von da an nichts Neues und behält, was gesagt wurde. Wieder hinzufügen geht jederzeit.
doubt-ban = {$who} aus „{$name}“ bannen?
doubt-ban-follows = {$who} wird entfernt und kann über keinen Link zurückkommen, bis der Bann aufgehoben ist.
doubt-ban-do = Bannen
doubt-owner = {$who} zum Inhaber von „{$name}“ machen?
doubt-owner-follows = {$who} darf dann alles, auch andere zu Inhabern machen. Nur Inhaber, die früher da waren, können es zurücknehmen.
doubt-owner-do = Zum Inhaber machen
doubt-step-down-follows = Du kannst dir deine Rolle nicht selbst zurückgeben: Das muss jemand mit einer höheren tun.
doubt-revoke = Link zurückziehen?
doubt-revoke-follows = Niemand kommt mehr darüber herein. Wer darüber kam, bleibt.
doubt-revoke-do = Zurückziehen
doubt-delete = Diese Nachricht für alle löschen?
doubt-delete-follows = Sie verschwindet bei jedem Mitglied, sobald sein Gerät davon erfährt. Dass jemand eine Nachricht gelöscht hat, bleibt sichtbar.
doubt-delete-do = Löschen
doubt-take-out = Diesen Raum aus dem Verzeichnis nehmen?
doubt-take-out-follows = Mitglieder finden ihn hier nicht mehr. Wer ihn eingetragen hat, kann ihn wieder eintragen.
doubt-take-out-do = Herausnehmen
doubt-leave = „{$name}“ verlassen?
doubt-leave-follows = Du liest von da an nichts Neues. Um zurückzukommen, muss dich jemand hinzufügen oder dir einen Link geben.
doubt-leave-do = Verlassen
doubt-forget = „{$name}“ vergessen?
doubt-forget-follows = Die Gruppe und alle ihre Nachrichten werden auf diesem Computer gelöscht. Das lässt sich nicht rückgängig machen.
doubt-forget-do = Vergessen

## What happened

line-created =
    { $side ->
       [by-you] Du hast die Gruppe „{$name}“ angelegt
      *[other] {$by} hat die Gruppe „{$name}“ angelegt
    }
line-left =
    { $side ->
       [by-you] Du hast die Gruppe verlassen
      *[other] {$by} hat die Gruppe verlassen
    }
line-profile =
    { $side ->
       [by-you] Du hast das Profil der Gruppe „{$name}“ geändert
      *[other] {$by} hat das Profil der Gruppe „{$name}“ geändert
    }
line-policy =
    { $side ->
       [by-you] Du hast die Regeln geändert
      *[other] {$by} hat die Regeln geändert
    }
line-link-made =
    { $side ->
       [by-you] Du hast einen Link in die Gruppe erstellt
      *[other] {$by} hat einen Link in die Gruppe erstellt
    }
line-link-revoked =
    { $side ->
       [by-you] Du hast einen Link in die Gruppe zurückgezogen
      *[other] {$by} hat einen Link in die Gruppe zurückgezogen
    }
line-pinned =
    { $side ->
       [by-you] Du hast eine Nachricht angeheftet
      *[other] {$by} hat eine Nachricht angeheftet
    }
line-unpinned =
    { $side ->
       [by-you] Du hast eine angeheftete Nachricht gelöst
      *[other] {$by} hat eine angeheftete Nachricht gelöst
    }
line-deleted =
    { $side ->
       [by-you] Du hast eine Nachricht für alle gelöscht
      *[other] {$by} hat eine Nachricht für alle gelöscht
    }
line-added =
    { $side ->
       [by-you] Du hast {$whom} hinzugefügt
       [to-you] {$by} hat dich hinzugefügt
      *[other] {$by} hat {$whom} hinzugefügt
    }
line-joined =
    { $side ->
       [by-you] {$whom} kam über einen Link, hereingelassen von dir
       [to-you] Du kamst über einen Link, hereingelassen von {$by}
      *[other] {$whom} kam über einen Link, hereingelassen von {$by}
    }
line-removed =
    { $side ->
       [by-you] Du hast {$whom} entfernt
       [to-you] {$by} hat dich entfernt
      *[other] {$by} hat {$whom} entfernt
    }
line-banned =
    { $side ->
       [by-you] Du hast {$whom} gebannt
       [to-you] {$by} hat dich gebannt
      *[other] {$by} hat {$whom} gebannt
    }
line-unbanned =
    { $side ->
       [by-you] Du lässt {$whom} wieder kommen
       [to-you] {$by} lässt dich wieder kommen
      *[other] {$by} lässt {$whom} wieder kommen
    }
line-unmuted =
    { $side ->
       [by-you] Du hast die Stummschaltung von {$whom} aufgehoben
       [to-you] {$by} hat deine Stummschaltung aufgehoben
      *[other] {$by} hat die Stummschaltung von {$whom} aufgehoben
    }
line-muted =
    { $side ->
       [by-you] Du hast {$whom} bis auf Weiteres stummgeschaltet
       [to-you] {$by} hat dich bis auf Weiteres stummgeschaltet
      *[other] {$by} hat {$whom} bis auf Weiteres stummgeschaltet
    }
line-muted-until =
    { $side ->
       [by-you] Du hast {$whom} bis {$until} stummgeschaltet
       [to-you] {$by} hat dich bis {$until} stummgeschaltet
      *[other] {$by} hat {$whom} bis {$until} stummgeschaltet
    }
you-object = dich
line-dropped =
    { $count ->
       [one] Eine Nachricht von danach wurde verworfen.
      *[other] {$count} Nachrichten von danach wurden verworfen.
    }

## Network

network-none = Kein Netz
network-online =
    { $count ->
       [one] 1 Kontakt online
      *[other] {$count} Kontakte online
    }
network-seeks-node = Ein Gemeinschaftsknoten wird gesucht …
network-seeks = Deine Kontakte werden gesucht …
network-ready = Bereit
network-facts =
    { $peers ->
       [one] 1 Gegenstelle
      *[other] {$peers} Gegenstellen
    }, {$up} von {$nodes} Gemeinschaftsknoten, {$dht} im Geräteverzeichnis
mailbox-refused = Es nimmt dich nicht: Vielleicht muss dich die Person dahinter erst als Kontakt hinzufügen.
mailbox-refused-places = Es öffnet weniger Fächer für deine Kontakte, als es soll.
mailbox-refused-work = Es verlangt mehr Rechenarbeit, als dieser Rechner leistet: Zu viele wollen dort einen Platz.
mailbox-refused-much = Es nimmt dich gerade nicht: Aus deinem Netz kam zu viel. Es wird wieder gefragt.
mailbox-refused-full = Es ist voll und nimmt dich nicht; es wird binnen eines Tages wieder gefragt.
mailbox-refused-unknown = Es nimmt dich nicht ohne Gutschein: Frag danach, wer es betreibt, und füg es damit noch einmal hinzu.
mailbox-refused-voucher = Es nimmt deinen Gutschein nicht: Frag nach dem Wort, das jetzt gilt.
mailbox-closing = Es schließt; was es enthält, wird gerade abgeholt.
mailbox-good = Es hat ein Fach für deine Nachrichten und antwortet.
mailbox-away = Es hat ein Fach für deine Nachrichten; gerade antwortet es nicht.
mailbox-asked = Es wird gerade gefragt.
mailbox-chosen = Von dir gewählt
mailbox-found = Von selbst gefunden
mailbox-without =
    { $count ->
       [one] ein Kontakt hat dort kein Fach
      *[other] {$count} Kontakte haben dort kein Fach
    }
mailbox-since = seit {$day}
mailbox-last = letzte Nachricht {$when}
mailbox-free = {$size} frei
mailboxes-none = Noch hebt kein Postfach Nachrichten für dich auf. Während du weg bist, warten sie bei denen, die sie geschrieben haben. Füge einen Gemeinschaftsknoten hinzu, oder bitte einen Freund, „Anderen helfen“ einzuschalten.
mailboxes-some =
    { $count ->
       [one] Ein Postfach hat ein Fach für deine Nachrichten; {$answer} von 1 antwortet gerade. Drei sind am besten: Zwei davon dürfen ausfallen.
      *[other] {$count} Postfächer haben ein Fach für deine Nachrichten; gerade { $answer ->
           [one] antwortet
          *[other] antworten
        } {$answer} davon. Was dort liegt, ist versiegelt.
    }
node-connected = Er ist verbunden.
node-silent = Er antwortet gerade nicht.
node-relays = andere erreichen dich über ihn
node-mailbox = hat ein Fach für deine Nachrichten
node-named = nur für diesen Start angegeben
place = {$host}, Port {$port}
helping-problem = Es wird gerade nichts aufgehoben: {$why}. Das wird von selbst wieder versucht.
helping-people =
    { $count ->
       [one] eine Person
      *[other] etwa {$count} Personen
    }
helping-messages =
    { $count ->
       [one] Eine Nachricht wartet hier
      *[other] {$count} Nachrichten warten hier
    }
helping-contacts = Dieser Computer hebt versiegelte Nachrichten für deine Kontakte auf.
helping-anybody = Dieser Computer hebt versiegelte Nachrichten für alle auf, die fragen.
helping-contacts-since = Dieser Computer hebt versiegelte Nachrichten für deine Kontakte auf, seit {$day}.
helping-anybody-since = Dieser Computer hebt versiegelte Nachrichten für alle auf, die fragen, seit {$day}.
helping-nobody = Noch hat hier niemand ein Postfach.
helping-holds = {$messages}, insgesamt {$size}, für {$people}.
helping-gives-until = {$messages}, insgesamt {$size}. Wer danach fragt, bekommt es noch, spätestens bis {$day}.
helping-gives = {$messages}, insgesamt {$size}. Wer danach fragt, bekommt es noch.
helping-closing = Es ist aus: Neues wird nicht angenommen.
helping-off = Dieser Computer hebt nichts für andere auf.
help-at-most = höchstens {$size}

## Notifications

notice-title-many = {$name} ({$count} neue)
notice-wrote = {$name} hat geschrieben
notice-new-message = Neue Nachricht
notice-request = Öffne Kith, um anzunehmen oder abzulehnen.
notices-what = Wenn eine Nachricht kommt
notices-text = Zeigen, wer geschrieben hat und was
notices-name = Nur zeigen, wer geschrieben hat
notices-nothing = Nichts zeigen
notices-rules = Von dem Chat, den du gerade ansiehst, kommt keine. In Gruppen gilt, was du dort gewählt hast: jede Nachricht, nur Erwähnungen oder nichts.
notices-lock-screen = Was gezeigt wird, können andere auf dem Sperrbildschirm lesen; manche Systeme heben es auf.

## Settings

settings-page-general = Allgemein
settings-page-notices = Mitteilungen
settings-page-filters = Filter und Blockierte
settings-page-nodes = Knoten
settings-page-mailboxes = Postfächer
settings-page-help = Anderen helfen
settings-page-connection = Verbindung
settings-this-device = Dieses Gerät
settings-language = Sprache
settings-language-system = Wie das System
filters-title = Wörter, die du nicht lesen möchtest
filters-what = Eine Nachricht anderer mit einem dieser Wörter wird hinter einer Zeile verborgen; ein Klick zeigt sie. Nichts wird gelöscht, und niemand erfährt davon. Es zählen ganze Wörter, groß oder klein.
filters-add-label = Wörter hinzufügen
filters-add = Verbergen
filters-hint = Eines oder mehrere, durch Kommas getrennt
filters-none = Noch keine: Du liest alles.
filters-remove = „{$word}“ nicht mehr verbergen
blocks-title =
    { $count ->
       [one] 1 Person blockiert
      *[other] {$count} Personen blockiert
    }
blocks-what = Sie können dir nicht schreiben und nicht sehen, wann du online bist. Sie erfahren es nicht.
blocks-copy = Als Liste kopieren
blocks-save = Als Datei speichern
blocks-import-title = Eine Liste von jemand anderem übernehmen
blocks-import-what = Zuerst siehst du, wie viele sie blockieren würde. Vorher wird niemand blockiert.
blocks-import-hint = Liste einfügen oder Datei hierher ziehen
blocks-look = Ansehen
blocks-no-list = Das ist keine Liste blockierter Personen, oder sie enthält einen Fehler. Niemand wurde blockiert.
blocks-preview =
    { $count ->
       [one] Sie würde 1 Person blockieren.
      *[other] Sie würde {$count} Personen blockieren.
    }
blocks-preview-known =
    { $count ->
       [one] 1 davon ist schon blockiert.
      *[other] {$count} davon sind schon blockiert.
    }
blocks-preview-contacts =
    { $count ->
       [one] 1 davon ist unter deinen Kontakten.
      *[other] {$count} davon sind unter deinen Kontakten.
    }
blocks-preview-own = Du stehst selbst darauf; das wird übergangen.
blocks-import =
    { $count ->
       [one] 1 Person blockieren
      *[other] {$count} Personen blockieren
    }

## Public rooms

kind-private = Private Gruppe
kind-private-means = Herein kommt nur, wer hinzugefügt wird oder einen Link bekommt. Neue sehen nichts von vorher.
kind-room = Öffentlicher Raum
kind-room-means = Wer den Link hat, kann herein und lesen, was gesagt wurde. Schreibe hier nichts, was geheim bleiben muss.
kind-directory = Verzeichnis von Räumen
kind-directory-means = Ein öffentlicher Raum, dessen Mitglieder andere Räume eintragen, damit man sie findet.
kind-coming-in = Hereinkommen
kind-by-work = Alle, nach einigen Sekunden Rechenarbeit
kind-by-approval = Jede Person muss hereingelassen werden
kind-link-follows = Den Link bekommst du, sobald er angelegt ist.
kind-newcomers = Neue dürfen zuerst
kind-write-at-once = Gleich schreiben
kind-observers-first = Nur lesen, bis sie zu Mitgliedern gemacht werden
rules-openness = Offenheit
rules-public = Öffentlicher Raum
rules-public-means = Er hat einen Link, den jedes Mitglied weitergeben kann.
rules-observers-first = Neue lesen zuerst nur
rules-observers-first-means = Sie kommen als Beobachter, bis jemand sie zu Mitgliedern macht.
rules-directory = Verzeichnis von Räumen
rules-directory-means = Mitglieder können öffentliche Räume darin eintragen.
links-public = Der Link dieses Raums
links-public-none = Es gibt noch keinen: Wer hier für Ordnung sorgt, muss ihn erstellen.
links-public-what = Jeder darf darüber herein. Gib ihn weiter, wo du möchtest.
links-public-approval = Jeder darf darüber um Einlass bitten, und jemand lässt ihn herein. Gib ihn weiter, wo du möchtest.
links-list-room = In ein Verzeichnis eintragen
page-banned = Gebannt und stumm
page-listings = In Verzeichnissen
page-reports = Meldungen
directory-rooms = Räume in diesem Verzeichnis
muted-title = Stummgeschaltet
muted-none = Niemand ist stummgeschaltet.
banned-title = Gebannt
listings-what = Mitglieder eines Verzeichnisses finden diesen Raum dort über Namen, Thema und diese Wörter. Was du hier angibst, steht dort mit deinem Namen.
listings-no-directories = Du bist noch in keinem Verzeichnis. Füge den Link eines Verzeichnisses ein, um hereinzukommen.
listings-language = Sprache, etwa de oder pt-BR (freiwillig)
listings-tags = Wörter, über die man ihn findet, höchstens acht (freiwillig)
listings-directories = Deine Verzeichnisse
listings-by-you = Von dir eingetragen {$day}
listings-by = Von {$name} eingetragen
listings-not = Nicht eingetragen
listings-may-not = Du kannst dort nicht schreiben, also auch keine Räume eintragen.
listings-renew = Neu eintragen
listings-publish = Raum eintragen
listings-unpublish = Herausnehmen
discover-title = Räume entdecken
discover-search = Nach Name, Thema, Sprache oder Stichwort suchen
discover-all-directories = Alle Verzeichnisse
discover-found =
    { $count ->
       [one] 1 Raum
      *[other] {$count} Räume
    }
discover-no-directories = Du bist noch in keinem Verzeichnis
discover-what-directories-are = Räume findet man in Verzeichnissen: Gruppen, deren Mitglieder öffentliche Räume eintragen. Füge den Link eines Verzeichnisses ein, den du bekommen hast, und seine Räume erscheinen hier. Gesucht wird auf deinem Computer; niemand erfährt, wonach.
discover-paste-link = Link einfügen
discover-make-directory = Verzeichnis anlegen
discover-empty = Noch keine Räume eingetragen
discover-empty-hint = Trage einen deiner öffentlichen Räume von seiner Seitenleiste aus ein.
discover-nothing-hint = Versuche andere Wörter oder weniger.
room-listed = Eingetragen von {$name} in {$directory}, {$day}
room-listed-by-you = Von dir eingetragen in {$directory}, {$day}
room-take-out = Aus dem Verzeichnis nehmen …
room-join = Beitreten …
room-open = Öffnen
room-asking = Angefragt
join-title = Einer Gruppe beitreten
join-ask = Um Einlass bitten
join-unnamed = Eine Gruppe oder ein öffentlicher Raum
join-unnamed-hint = Den Namen erfährst du, sobald dich jemand hereinlässt.
join-inside = Du bist schon in dieser Gruppe.
join-asking = Du bittest schon um Einlass.
join-hosts =
    { $count ->
       [one] Ein Mitglied wird gefragt, und weitere werden gesucht.
      *[other] {$count} Mitglieder werden gefragt, und weitere werden gesucht.
    }
join-seen = Mitglieder sehen deinen Namen und wann du online bist.
join-approval = Du bist drin, sobald dich ein Mitglied hereinlässt; in manchen Gruppen muss erst jemand zustimmen.
join-work = Dein Computer rechnet dafür einige Sekunden; das hält ab, wer tausendmal kommen würde.

## Reports

report-title = Diese Nachricht melden
report-why = Was stimmt damit nicht?
report-why-spam = Werbung oder Spam
report-why-abuse = Beleidigung, Drohung oder Hass
report-why-rules = Gegen die Regeln dieser Gruppe
report-why-law = Gegen das Gesetz
report-why-other = Etwas anderes
report-words = Mehr dazu (freiwillig)
report-words-needed = Was ist es?
report-told = Zu sehen ist es nur für {$names}: die Nachricht, dein Grund und dass er von dir kommt. {$author} erfährt es nicht.
report-told-author = Auch {$author} sorgt hier für Ordnung und sieht es.
report-told-more =
    Zu sehen ist es nur für {$names} und { $count ->
       [one] 1 weitere Person
      *[other] {$count} weitere
    }, die für Ordnung sorgen: die Nachricht, dein Grund und dass er von dir kommt. {$author} erfährt es nicht.
report-send = Melden
reports-none = Keine Meldungen
reports-none-hint = Was Mitglieder melden, erscheint hier für alle, die für Ordnung sorgen.
reports-what = Nur wer für Ordnung sorgt, sieht dies. Der Wortlaut ist so, wie ihn die Person unterschrieben hat.
reports-by = Gemeldet von {$name}, {$when}
reports-no-reason = Ohne Begründung
reports-go = Zur Nachricht
reports-member = {$name} …
reports-dismiss = Verwerfen
reports-dismiss-hint = Vergisst die Meldung auf diesem Gerät; die Nachricht bleibt
reports-author-gone = Wer sie geschrieben hat, ist nicht mehr Mitglied.

## What became of a message

trace-read = Sie wurde gelesen.
trace-delivered = Sie ist auf einem Gerät dort.
trace-failed = Sie wird nicht mehr gesendet, und niemand hat bestätigt, sie zu haben.
trace-kept =
    {$count} von {$of} Postfächern { $count ->
       [one] hat
      *[other] haben
    } versprochen, sie bis {$day} aufzuheben.
trace-not-kept = Sie wartet hier: Kein Versprechen eines bekannten Postfachs gilt noch.
trace-sent = Sie wurde gesendet; das Gerät dort hat es noch nicht bestätigt.
trace-no-mailbox = Sie wartet hier, bis beide online sind: Kein Postfach dort ist bekannt.
trace-waits = Sie wartet hier: Noch hat sie weder ein Gerät noch ein Postfach der Person angenommen.
trace-mailbox-keeps = Postfach {$number} hat versprochen, sie bis {$day} aufzuheben.
trace-confirmed = Das Gerät dort hat sie bestätigt, {$ago}.
trace-confirmed-once = Das Gerät dort hat sie bestätigt; wann, ist nicht mehr bekannt.
trace-was-read = Sie wurde gelesen, {$ago}.
trace-untried = Seit dieses Gerät läuft, wurde noch nichts versucht.
trace-dial = Suche nach dem Gerät
trace-direct = Direkt gesendet
trace-relayed = Über ein Relais gesendet
trace-left = Abgelegt in {$place}
trace-not-left = Nicht abgelegt in {$place}
trace-end-nobody = unter keiner Adresse kam eine Antwort
trace-end-silent = keine Antwort
trace-end-sent = unterwegs; erst eine Bestätigung sagt, dass sie ankam
trace-end-broken = die Verbindung endete vor der Bestätigung
trace-end-kept = es hat versprochen, sie aufzuheben
trace-end-no-place = dort ist kein Platz für dich geöffnet
trace-end-no-room = es hatte keinen Platz für mehr von dir: Früheres liegt noch dort, oder es kam zu viel auf einmal
trace-end-full = es ist voll
trace-end-closing = es schließt und nimmt nichts mehr an
trace-end-work = es verlangt mehr Arbeit, als dieses Gerät dafür leistet
trace-end-refused = es hat abgelehnt
trace-once = {$way}, {$ago}: {$end}.
trace-times = {$way}, {$count}-mal, zuletzt {$ago}: {$end}.
trace-last = {$way}, zuletzt {$ago}: {$end}.
trace-next-dial-now = Das Gerät wird gerade gesucht.
trace-next-dial = Das Gerät wird {$when} wieder gesucht: Die Pause wächst, solange niemand antwortet.
trace-next-now = Sie wird {$when} abgelegt in {$place}.
trace-next-refused = Sie wird {$when} wieder abgelegt in {$place}, nach der Pause auf ein Nein.
trace-next-no-room = Sie wird {$when} wieder abgelegt in {$place}, oder sobald dort abgeholt und Platz gemacht wurde.
trace-next-renewal = Sie wird {$when} neu abgelegt in {$place}, bevor das Versprechen endet.
trace-next-silent = Sie wird {$when} abgelegt in {$place}: keine Antwort, und die Pause wächst jedes Mal.
trace-next-receipt = {$when} wird um eine Bestätigung gebeten, falls vorher keine kommt.
trace-next-here = Sie geht über die Verbindung, die gerade da ist.
trace-a-mailbox = einem Postfach
trace-old-mailbox = einem früheren Postfach
trace-mailbox = Postfach {$number}
just-now = gerade eben
ago-seconds =
    vor { $count ->
       [one] 1 Sekunde
      *[other] {$count} Sekunden
    }
ago-minutes =
    vor { $count ->
       [one] 1 Minute
      *[other] {$count} Minuten
    }
ago-hours =
    vor { $count ->
       [one] 1 Stunde
      *[other] {$count} Stunden
    }
ago-days =
    vor { $count ->
       [one] 1 Tag
      *[other] {$count} Tagen
    }
now = jetzt
in-seconds =
    in { $count ->
       [one] 1 Sekunde
      *[other] {$count} Sekunden
    }
in-minutes =
    in { $count ->
       [one] 1 Minute
      *[other] {$count} Minuten
    }
in-hours =
    in { $count ->
       [one] 1 Stunde
      *[other] {$count} Stunden
    }
in-days =
    in { $count ->
       [one] 1 Tag
      *[other] {$count} Tagen
    }
verdict-good = Alles in Ordnung.
verdict-unknown =
    Alles in Ordnung, soweit bekannt; { $count ->
       [one] eines wurde
      *[other] {$count} Dinge wurden
    } noch nicht gemessen.
verdict-bad =
    { $count ->
       [one] Um eines musst du dich kümmern.
      *[other] Um {$count} Dinge musst du dich kümmern.
    }
link-for =
    { $role ->
     [observer] Für neue Beobachter
    *[member] Für neue Mitglieder
     [moderator] Für neue Moderatoren
     [admin] Für neue Admins
     [owner] Für neue Inhaber
 }
doubt-step-down =
    { $role ->
     [observer] Zum Beobachter zurücktreten?
    *[member] Zum Mitglied zurücktreten?
     [moderator] Zum Moderator zurücktreten?
     [admin] Zum Admin zurücktreten?
     [owner] Zurücktreten?
 }
silence-only-from =
    { $role ->
     [observer] In dieser Gruppe schreiben alle.
    *[member] In dieser Gruppe schreiben Mitglieder und alle darüber.
     [moderator] In dieser Gruppe schreiben nur Moderatoren, Admins und Inhaber.
     [admin] In dieser Gruppe schreiben nur Admins und Inhaber.
     [owner] In dieser Gruppe schreiben nur Inhaber.
 }
line-role =
    { $side ->
       [by-you] { $role ->
           [observer] Du hast {$whom} zum Beobachter gemacht
          *[member] Du hast {$whom} zum Mitglied gemacht
           [moderator] Du hast {$whom} zum Moderator gemacht
           [admin] Du hast {$whom} zum Admin gemacht
           [owner] Du hast {$whom} zum Inhaber gemacht
        }
       [to-you] { $role ->
           [observer] {$by} hat dich zum Beobachter gemacht
          *[member] {$by} hat dich zum Mitglied gemacht
           [moderator] {$by} hat dich zum Moderator gemacht
           [admin] {$by} hat dich zum Admin gemacht
           [owner] {$by} hat dich zum Inhaber gemacht
        }
      *[other] { $role ->
           [observer] {$by} hat {$whom} zum Beobachter gemacht
          *[member] {$by} hat {$whom} zum Mitglied gemacht
           [moderator] {$by} hat {$whom} zum Moderator gemacht
           [admin] {$by} hat {$whom} zum Admin gemacht
           [owner] {$by} hat {$whom} zum Inhaber gemacht
        }
    }


## Calls

notice-calls = { $name } ruft an
call-start = Sprachanruf
call-start-video = Videoanruf
call-no-contact = Anrufen kann man nur, wer die Kontaktanfrage angenommen hat.
call-no-talking = Es läuft schon ein Anruf.
call-no-network = Es gibt kein Netz.
call-no-camera = Es wurde keine Kamera gefunden oder keine gewählt: Sieh in den Einstellungen unter „Anrufe“ nach.
call-no-screen = Es wurde kein Bildschirm gefunden oder keiner gewählt: Sieh bei den Geräten nach.
call-calling = Wird angerufen …
call-ringing = Es klingelt …
call-incoming = Sprachanruf
call-incoming-video = Videoanruf
call-connecting = Wird verbunden …
call-reconnecting = Die Verbindung ist weg: eine andere wird gesucht …
call-hold-own = Gehalten
call-hold-theirs = Die andere Seite hält den Anruf
call-end-finished = Der Anruf ist beendet
call-end-declined = Abgelehnt
call-end-busy = Besetzt: es lief ein anderer Anruf
call-end-no-answer = Niemand hat abgenommen
call-end-unreachable = Niemand war erreichbar: dein Anruf wird zu sehen sein
call-end-cancelled = Abgebrochen, bevor jemand abnahm
call-end-missed = Verpasst
call-end-answered-elsewhere = Auf deinem anderen Gerät angenommen
call-end-declined-elsewhere = Auf deinem anderen Gerät abgelehnt
call-end-unsupported = Das andere Gerät kann solche Anrufe nicht annehmen
call-end-no-connection = Zwischen den beiden Geräten fand sich keine Verbindung für den Ton
call-end-lost = Die Verbindung ist abgerissen
call-end-interrupted = Kith wurde während des Anrufs beendet
call-end-no-microphone = Kein Mikrofon war zu gebrauchen: siehe Einstellungen unter „Anrufe“
call-end-no-relay = Deine Adresse ist in Anrufen vor dieser Person verborgen, und kein Community-Knoten, der Anrufe weiterleitet, ist da: Füge einen hinzu, vergleicht die Sicherheitsnummern oder erlaube direkte Anrufe
call-end-no-agreement = Die beiden Geräte konnten sich nicht einigen: Aktualisiere Kith auf beiden
call-end-broken = Auf diesem Gerät ging der Ton nicht mehr
call-end-replaced = Beide haben zugleich angerufen: der andere Anruf geht weiter
call-line-missed = Verpasster Anruf
call-line-missed-video = Verpasster Videoanruf
call-line-out = Ausgehender Anruf
call-line-out-video = Ausgehender Videoanruf
call-line-in = Eingehender Anruf
call-line-in-video = Eingehender Videoanruf
call-line-whole = { $what }: { $how }
call-line-at = { $clock } · { $how }
call-went-unheard = Beendet, bevor er verbunden war
call-went-broken = { $talked }: { $why }
call-went-declined = Von dir abgelehnt
call-went-busy = Du warst in einem anderen Anruf
call-went-unsupported = Dieses Gerät kann keine Anrufe annehmen
call-quality-none = Keine Verbindung
call-quality-bad = Schlechte Verbindung
call-quality-weak = Schwache Verbindung
call-quality-fair = Brauchbare Verbindung
call-quality-good = Gute Verbindung
call-to-chats = Chats zeigen; der Anruf geht weiter
call-larger = Das ganze Fenster nutzen
call-smaller = Chats daneben zeigen
call-figures = Was gemessen wird
call-their-screen = Bildschirm von { $name }
call-their-recording = wird von der Gegenseite aufgezeichnet
call-their-picture = Bild von { $name }
call-own-picture = Dein eigenes Bild
call-they-are-silent = { $name } hat das Mikrofon ausgeschaltet
call-return = Zurück zum Anruf
call-return-to = Zurück zum Anruf mit { $name }
call-bar = { $name } · { $state }
call-hang-up = Auflegen
call-mute = Mikrofon ausschalten
call-unmute = Mikrofon einschalten
call-camera-on = Kamera einschalten
call-camera-off = Kamera ausschalten
call-screen-on = Bildschirm zeigen
call-screen-off = Bildschirm nicht mehr zeigen
call-hold = Anruf halten
call-resume = Anruf fortsetzen
call-devices = Geräte
call-microphone = Mikrofon
call-speaker = Lautsprecher
call-camera = Kamera
call-screen = Bildschirm
call-level = Wie laut das Mikrofon ist
call-device-default = Wie im System gewählt
call-device-none = Keine
call-device-first = Das erste
call-device-pattern = Testbild
call-decline = Ablehnen
call-accept = Annehmen
call-accept-video = Mit Kamera
call-again = Noch einmal anrufen
call-back = Zurückrufen
call-back-video = Mit Video zurückrufen
settings-page-calls = Anrufe
notice-group-call = Anruf in { $name }
call-group = Gruppenanruf
call-group-by = { $name } ruft die Gruppe an
call-group-by-more = { $name } und { $count ->
    [one] eine weitere Person sind
   *[other] { $count } weitere sind
 } in einem Anruf
call-group-start = Die Gruppe anrufen
call-group-start-video = Die Gruppe mit Video anrufen
call-group-join = Beitreten
call-group-join-video = Mit Kamera beitreten
call-group-show = Den Anruf zeigen
call-group-waiting = Noch ist niemand sonst da
call-group-people = { $count ->
    [one] eine Person
   *[other] { $count } Personen
 }
call-group-ongoing = Ein Anruf läuft: { $count ->
    [one] eine Person ist
   *[other] { $count } Personen sind
 } dabei
call-group-row = , ein Anruf läuft
call-no-member = Nur Mitglieder der Gruppe können sie anrufen.
call-not-allowed =
    { $role ->
     [observer] In dieser Gruppe dürfen alle Anrufe beginnen.
    *[member] In dieser Gruppe dürfen Mitglieder und alle darüber Anrufe beginnen.
     [moderator] In dieser Gruppe dürfen nur Moderatoren, Admins und Inhaber Anrufe beginnen.
     [admin] In dieser Gruppe dürfen nur Admins und Inhaber Anrufe beginnen.
     [owner] In dieser Gruppe dürfen nur Inhaber Anrufe beginnen.
 }
call-hand-raise = Hand heben
call-hand-lower = Hand herunternehmen
call-hand-of = { $name } hat die Hand gehoben
call-arrange-grid = Alle gleich zeigen
call-arrange-speaker = Groß zeigen, wer spricht
call-tile-larger = { $name } groß zeigen
call-tile-smaller = { $name } nicht mehr groß zeigen
call-tile-connecting = verbindet…
call-tile-silent = Mikrofon aus
call-mute-one = Mikrofon von { $name } ausschalten
call-muted-by = { $name } hat dein Mikrofon ausgeschaltet
call-you = Du
figures-forwarder = Weitergereicht von
call-devices-what = Was angesteckt ist, steht hier, sobald sich diese Seite öffnet. Das Testbild zeigt, wie ein Videoanruf geht.
call-test = Dich selbst hören
call-test-end = Aufhören
call-test-what = Ein Anruf bei dir selbst: Was das Mikrofon hört, hörst du zwei Sekunden später, so wie andere es hören würden.
call-test-speak = Sag etwas: Nach zwei Sekunden kommt es zurück. Mit Lautsprechern wird das Echo herausgenommen.
call-test-no-speaker = Kein Lautsprecher ließ sich verwenden: Wähle oben einen anderen.
call-hide-one = Netzadresse in Anrufen
call-hide-as-all = Wie in den Einstellungen
call-hide-always = Immer verbergen
call-hide-never = Nie verbergen
call-hide-title = Deine Netzadresse in Anrufen verbergen vor
call-hide-everybody = Allen
call-hide-unverified = Leuten, deren Sicherheitsnummer du nicht verglichen hast
call-hide-nobody = Niemandem
call-hide-what = Anrufe gehen dann nur über Relais, was länger dauert und einen Community-Knoten braucht, der weiterleitet. Es gilt ab dem nächsten Anruf. Bei der zweiten Wahl werden Menschen, deren Gerät für Nachrichten direkt mit deinem verbunden ist, direkt angerufen: Sie haben die Adresse ohnehin.
key-mute-one = Im Gruppenanruf: das Mikrofon der markierten Person ausschalten
key-call = Den offenen Kontakt anrufen
key-mute = Im Anruf: Mikrofon an oder aus
key-camera = Im Anruf: Kamera an oder aus
key-talk = Im Anruf: sprechen, solange gedrückt
key-hang-up = Auflegen
figures-none = Es wurde noch nichts gemessen.
figures-path = Weg
figures-path-none = wird gesucht
figures-path-direct = direkt, UDP
figures-path-relayed = über ein Relais
figures-path-interrupted = unterbrochen
figures-path-failed = gescheitert
figures-address = Deine Adresse
figures-address-hidden = vor ihnen verborgen
figures-address-seen = für sie sichtbar
figures-round-trip = Hin und zurück
figures-millis = { $millis } ms
figures-loss = Verlust auf dem Hinweg
figures-percent = { $percent } %
figures-may-send = Darf senden
figures-kilobits = { $rate } kbit/s
figures-megabits = { $rate } Mbit/s
figures-held = Jitterpuffer
figures-made-up = Ton ersetzt
figures-repaired = Ersetzt / verloren
figures-repaired-of = { $repaired } / { $lost }
figures-bytes = gesendet / empfangen
figures-bytes-of = { $sent } / { $came }
figures-size = Bild
figures-shown = gezeigte Bilder

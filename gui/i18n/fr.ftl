### Français : vous, court, sans jargon.


## Windows, dialogs, settings

you = Vous
starting = Ouverture de vos messages…
cannot-start = Kith ne peut pas démarrer
stopped-title = Kith s’est arrêté
stopped-full = Le disque est plein, plus rien ne peut être écrit. Libérez au moins {$room} là où se trouve {$folder}, puis rouvrez Kith. Ce qui était confirmé est conservé.
stopped-storage = Impossible d’écrire dans le dossier {$folder}. Vérifiez le disque et que vous avez encore le droit d’écrire dans ce dossier, puis rouvrez Kith. ({$why})
stopped-fault = Une erreur du programme l’a arrêté. Rien de ce qui était confirmé n’est perdu : rouvrez Kith.
stopped-closed = Plus rien n’est envoyé ni reçu. Rouvrez Kith.
stopped-keeps = Vous pouvez continuer à lire. Ce que vous êtes en train d’écrire est conservé.
open-again = Rouvrir
opening-again = Ouverture…
main-empty-hint = Invitez quelqu’un, ou utilisez un lien que vous avez reçu.
main-empty = Personne pour l’instant
add-title = Ajouter quelqu’un
main-choose = Choisissez une discussion
main-choose-hint = Ctrl+K pour chercher, Ctrl+/ pour voir tous les raccourcis.
chat-offline = Pas de réseau. Ce que vous écrivez est conservé et partira dès qu’il y en aura.
chat-refused-address = Personne n’accepte de demande à cette adresse : soit ce n’est pas souhaité, soit personne n’était là depuis un mois. Demandez un lien, ou réessayez plus tard.
chat-looked-for = Cette personne est recherchée par son adresse. Cela prend quelques minutes ou, si elle est partie depuis deux jours, jusqu’à son retour. Vous pourrez écrire dès qu’elle sera trouvée.
chat-refused-link = Ce lien a déjà servi ou est trop ancien : demandez-en un nouveau et ajoutez-le. Ce que vous avez écrit est conservé.
chat-not-accepted = Pas encore accepté. Ce que vous écrivez est conservé et partira quand ce sera fait.
chat-blocked = Vous avez bloqué ce contact : rien n’est envoyé ni reçu.
back-to-chats = Retour aux discussions
safety-compared-mark = Vous avez comparé le numéro de sécurité
presence-direct = Connexion directe, chiffrée de bout en bout
presence-mailboxes = Hors ligne : ce que vous écrivez est déposé dans ses boîtes
presence-offline = Hors ligne : l’envoi se fera quand vous serez tous deux en ligne
presence-refused-address = Cette adresse n’accepte pas de demande
presence-refused-link = Ce lien ne fonctionne plus
presence-waiting = En attente de réponse
presence-asks = Demande à être ajouté
blocked = Bloqué
more = Plus
safety-compare = Comparer le numéro de sécurité
group-about = À propos du groupe
page-requests = Demandes d’entrée
standing-asking = En attente d’être admis
standing-invited = Vous êtes invité
standing-left = Vous avez quitté le groupe
standing-removed = Vous avez été retiré
unpin = Désépingler
pins-all = Tous les messages épinglés
emoji = Émoji
composer-hint = Message
send = Envoyer
reply-cancel = Ne pas répondre
forget = Oublier…
somebody = Quelqu’un
invited-stranger = Cette personne n’est pas dans vos contacts. Si vous acceptez, les membres verront votre nom et quand vous êtes en ligne.
accept = Accepter
decline = Refuser
decline-group-hint = Vous quittez le groupe, et il est oublié ici
key-search = Chercher une discussion
key-add = Ajouter quelqu’un, ou rejoindre un groupe
new-group = Nouveau groupe
key-mention = Mentionner quelqu’un : Haut, Bas, Entrée
settings = Réglages
key-next-chat = Discussion précédente / suivante
key-scroll = Faire défiler les messages
key-latest = Dernier message
key-send = Envoyer / nouvelle ligne
key-escape = Fermer, ou ne plus répondre
key-list = Cette liste
close = Fermer
add-give = Donnez votre invitation
add-give-hint = Elle sert une fois, pendant une semaine. Envoyez-la par un moyen sûr, ou faites-la scanner.
add-qr = Votre invitation en code QR
copy-link = Copier le lien
add-new = En créer une autre
add-making = Création de l’invitation…
add-use = Ou utilisez la sienne
add-hint = Collez le lien d’une personne ou d’un groupe (kith:…) ou une adresse (kith1…), ou déposez ici une image du code
add-address-hint = Cette personne verra que vous ne connaissez que son adresse. Cela demande quelques secondes de calcul à cet ordinateur.
add-greeting = Quelques mots pour l’accompagner (facultatif)
add-ask = Demander à être ajouté
safety-title = Numéro de sécurité
safety-compared = Vous l’avez comparé.
safety-revoke = Plus maintenant
safety-same = Ils sont identiques
copy = Copier
trace-title = Votre message
remove-follows = Le contact et tous les messages échangés seront supprimés de cet ordinateur. C’est irréversible.
remove = Retirer
keep = Garder
keyboard-title = Clavier
page-rules = Règles
page-links = Liens d’invitation
back-to-group = Retour au groupe
close-panel = Fermer le panneau
menu-invite = Inviter par lien
menu-notify-all = Me signaler chaque message
menu-notify-mentions = Seulement quand on me mentionne
mute = Mettre en sourdine
menu-leave = Quitter…
menu-forget = Oublier avec tous les messages…
stop-asking = Ne plus demander
about-notify = M’avertir
about-change = Changer le nom et le sujet
name = Nom
about-topic = De quoi il s’agit
save = Enregistrer
cancel = Annuler
about-asking = On ne sait rien de ce groupe tant que personne ne vous a admis.
about-leave = Quitter le groupe…
about-forget = Oublier le groupe…
links-made = Envoyez-le par un moyen sûr, ou faites-le scanner. Copiez-le maintenant : il ne sera plus affiché.
links-qr = Le lien en code QR
links-another = En créer un autre
links-what = Qui a le lien peut demander à entrer, et est admis par n’importe quel membre en ligne.
come-as = Ils entrent comme
links-life = Il est valable
links-uses = Il est pour
links-approval-rule = D’après les règles du groupe, quelqu’un doit accepter à chaque fois.
links-approval = Quelqu’un doit accepter à chaque fois
links-make = Créer un lien
links-open = Liens ouverts
links-none = Aucun. On n’entre qu’en étant ajouté.
links-revoke = Annuler ce lien
add-people = Ajouter des personnes
members-search = Chercher des membres
member-this-device = cet appareil
online = en ligne
offline = hors ligne
member-write = Lui écrire
copy-address = Copier l’adresse
step-down = Se rétrograder
change-role = Changer le rôle
member-unmute = Rendre la parole
member-remove = Retirer…
member-ban = Bannir…
for-an-hour = Pour une heure
for-a-day = Pour un jour
for-a-week = Pour une semaine
until-lifted = Jusqu’à nouvel ordre
group-name = Nom du groupe
people-who = Qui en fait partie ? D’autres pourront venir plus tard.
people-choose = Choisissez parmi vos contacts.
people-nobody = Personne trouvé.
people-no-contacts = Vous n’avez pas encore de contacts. Vous pouvez créer le groupe maintenant et inviter par lien.
people-all-members = Tous vos contacts sont déjà membres. D’autres peuvent venir par un lien.
people-make = Créer le groupe
people-add = Ajouter
people-search = Chercher vos contacts
requests-none = Personne ne demande à entrer.
requests-what = Ces personnes ont un lien. Un nom peut être inventé : n’admettez que qui vous attendez.
let-in = Laisser entrer
refuse = Refuser
banned-none = Personne n’est banni.
banned-what-may = Aucun lien ne leur permet de revenir. Lever un bannissement ne les rajoute pas.
banned-what = Aucun lien ne leur permet de revenir.
banned-lift = Lever le bannissement
rule-post = Qui écrit des messages
rule-invite = Qui ajoute des personnes et crée des liens
rule-pin = Qui épingle des messages
rule-mention-all = Qui appelle tout le monde avec @all
rule-profile = Qui change le nom et le sujet
rule-files = Qui envoie des fichiers
rule-calls = Qui lance des appels
rules-by-admins = Les admins et propriétaires fixent les règles.
rules-what = L’appareil de chaque membre respecte ces règles. Une nouvelle règle vaut à partir de maintenant.
rules-slow = Mode lent : la pause entre deux messages
never = Jamais
rules-disappear = Les messages disparaissent partout
rules-history = Ce que voient les nouveaux
rules-approve = Qui vient par un lien doit être admis
rules-save = Enregistrer les règles
undo = Annuler
rules-slow-short = La pause entre deux messages
rules-let-in = Doit être admis
rules-as-link-says = Selon le lien
rules-by-link = Qui vient par un lien
rules-roles = Rôles
receipts-title = Qui l’a reçu
receipts-none = Personne d’autre n’était dans le groupe quand vous l’avez écrit, ou il passe de membre en membre.
receipts-read = Lu
receipts-delivered = Distribué
receipts-not-yet = Pas encore
settings-name = Nom
settings-status = Statut
settings-copy-address = Copier mon adresse
settings-knocks = Qui connaît mon adresse peut demander à être ajouté
settings-knocks-on = Qui a l’adresse peut aussi découvrir quel appareil est le vôtre et quelles boîtes vous utilisez. Les demandes d’inconnus sont signalées, et leur coûtent du calcul.
settings-knocks-off = Seules les personnes à qui vous donnez un lien peuvent demander. Qui avait déjà votre adresse peut s’en apercevoir.
settings-look = Apparence
look-system = Comme le système
look-light = Clair
look-dark = Sombre
passphrase-title = Phrase secrète de cet ordinateur
passphrase-what = Elle verrouille vos messages sur cet ordinateur. Personne ne peut la réinitialiser.
passphrase-now = La phrase actuelle ; vide s’il n’y en a pas
passphrase-remove = Retirer la protection
passphrase-new = Nouvelle phrase secrète
passphrase-again = La même à nouveau
passphrase-change = Changer
settings-shortcuts = Raccourcis clavier
connection-report-what = Un rapport dit la même chose, sans noms, adresses ni messages. Lisez-le avant de le transmettre.
connection-report = Enregistrer un rapport
help-what = Cet ordinateur peut servir de boîte aux lettres : il garde des messages scellés pour les absents et les leur remet à leur retour. Il ne peut pas les lire. Il aide surtout s’il est allumé toute la journée.
help-whom = Pour qui
help-contacts = Mes contacts
help-anybody = Tout le monde
help-contacts-what = Vos contacts la trouvent d’eux-mêmes quand ils sont connectés à vous.
help-anybody-what = Les autres ont besoin de l’adresse ci-dessous. Les inconnus doivent d’abord fournir un peu de calcul.
help-how-much = Combien
help-on = Activer
help-off = Désactiver
help-address = Son adresse
show-code = Afficher le code
copy-its-address = Copier son adresse
nodes-what = Ils aident vos appareils et ceux de vos amis à se trouver. Ils voient quand vous êtes en ligne et d’où, jamais ce que vous écrivez.
nodes-none = Aucun pour l’instant : vos amis sont cherchés sur ce réseau et là où ils étaient en dernier.
nodes-remove = Retirer ce nœud
nodes-add-label = En ajouter un : la ligne qu’il a affichée, /ip4/…/p2p/…
nodes-add = Ajouter le nœud
mailboxes-remove = Ne pas utiliser cette boîte
mailboxes-add-label = En utiliser une autre : l’adresse d’un nœud qui garde le courrier
mailboxes-voucher-label = Son bon, si on vous en a donné un
mailboxes-add = Utiliser cette boîte
code-hint = Ou déposez ou collez ici une image du code.
address-qr = L’adresse en code QR
hide-code = Masquer le code
chats-title = Messages
nothing-found = Rien trouvé
search-hint = Chercher  Ctrl+K
request-stranger = Un inconnu : il ne connaît que votre adresse, comme tout le monde peut la connaître, et tout nom peut être inventé. N’acceptez que qui vous attendez.
decline-stranger-hint = Cette personne n’est pas prévenue, et ne peut plus demander par votre adresse
decline-hint = Cette personne n’est pas prévenue, et peut redemander
block = Bloquer
contact-unblock = Débloquer
contact-remove = Retirer avec tous les messages…
preview-disappearing = Message éphémère
preview-refused = Personne n’accepte la demande
preview-requested = Demande envoyée, sans réponse
preview-hello = Dites bonjour
empty-group-hint = Dites bonjour. Seuls les membres peuvent le lire.
empty-chat-hint = Dites bonjour. Vous seuls pouvez le lire.
no-messages = Aucun message
jump-latest = Aller au dernier message
quote-earlier = Message antérieur
menu-answer = Répondre
menu-copy = Copier le texte
menu-pin = Épingler pour tous
menu-delete-for-all = Supprimer pour tous…
menu-trace = Ce qu’il est devenu
gap = Il manque ici des messages que d’autres ont
welcome-what = Vos messages sont sur vos appareils et nulle part ailleurs. Pas de numéro de téléphone, pas de compte dans une entreprise.
welcome-title = Bienvenue dans Kith
welcome-name = Votre nom, tel que vos amis le verront
welcome-returning = J’ai une phrase de récupération
welcome-words = Les 24 mots, dans l’ordre
welcome-returning-what = Votre compte passe sur cet appareil. Contacts et messages étaient sur l’appareil perdu : vos contacts verront que c’est vous dès que vous vous ajouterez à nouveau.
welcome-protect = Verrouiller mes messages sur cet ordinateur par une phrase secrète
passphrase = Phrase secrète
welcome-protect-what = Personne ne peut la réinitialiser : sans elle, les messages restent verrouillés sur cet ordinateur.
welcome-start = Commencer
welcome-making = Création de vos clés…
phrase-check = Une vérification
phrase-check-what = Tapez l’un des mots de votre papier.
continue = Continuer
phrase-again = Revoir les mots
phrase-what = Écrivez ces 24 mots sur papier, dans l’ordre. Eux seuls vous permettront de redevenir vous-même si cet ordinateur est perdu. Ils ne sont affichés que cette fois.
phrase-title = Votre phrase de récupération
phrase-kept = Je les ai notés
locked-title = Kith est verrouillé
locked-what = Entrez la phrase secrète de cet ordinateur.
unlock = Déverrouiller
state-queued = en attente de connexion
state-sent = envoyé
state-stored = attend ici : ce que ses boîtes avaient promis est échu
state-promised =
    {$count} de ses {$of} boîtes { $count ->
       [one] a
      *[other] ont
    } promis de le garder jusqu’au {$day}
state-delivered = distribué
state-read = lu
state-failed = non distribué : ce contact est bloqué

## Failures

node-stopped = Kith s’est arrêté. Rouvrez-le d’abord.
fail-message-gone = Ce message n’existe plus.
fail-contact-gone = Ce contact n’existe plus.
fail-not-written = Le fichier n’a pas pu être écrit : {$why}
fail-no-code = Il n’y a pas de code Kith dans cette image : essayez-en une plus nette.
fail-not-kept = Ce choix n’a pas pu être enregistré : {$why}
fail-no-account = Il n’y a pas encore de compte dans ce dossier.
fail-has-account = Ce dossier contient déjà un compte.
fail-locked = Ce compte est verrouillé : déverrouillez-le d’abord avec sa phrase secrète.
fail-bad-phrase = Ce ne sont pas les 24 mots d’une phrase de récupération : cherchez un mot manquant, interverti ou mal écrit.
fail-wrong-passphrase = Ce n’est pas la bonne phrase secrète. Vérifiez-la et réessayez.
fail-disk-full = Il n’y a plus de place sur le disque : libérez-en, puis réessayez.
fail-in-use = Un autre Kith utilise ce dossier. Fermez-le d’abord.
fail-bad-node-address = Ce n’est pas l’adresse d’un nœud : copiez toute la ligne qu’il a affichée, /ip4/…/p2p/…
fail-bad-size = Une boîte fait au moins 64 MiB et au plus 1 TiB.
fail-damaged = Les données de ce compte sont abîmées : restaurez le dossier depuis une copie. ({$why})
fail-other = Cela n’a pas marché : {$why}
fail-damaged-address = Il y a une erreur dans cette adresse, ou il en manque une partie : copiez-la à nouveau.
fail-damaged-link = Ce lien est abîmé, ou trop récent pour cette version : redemandez le lien entier.
fail-no-link = Ce n’est ni un lien ni une adresse : un lien commence par kith: et une adresse par kith1.
fail-too-long = Ce texte est trop long : {$limit} octets au plus.
fail-empty-name = Un nom a besoin d’au moins un caractère visible.
fail-empty-message = Écrivez d’abord quelque chose.
fail-unknown-chat = Cette discussion n’existe pas.
fail-unknown-invite = Cette invitation n’existe pas, ou a déjà servi.
fail-own-invite = C’est votre propre invitation : donnez-la à quelqu’un d’autre.
fail-own-address = C’est votre propre adresse : donnez-la à quelqu’un d’autre.
fail-not-found-yet = Cette personne n’a pas encore été trouvée : réécrivez dans une minute.
fail-already-asked = Vous avez déjà demandé à cette personne : attendez la réponse, ou utilisez un lien.
fail-invite-useless = Cette invitation ne dit pas où demander : obtenez-en une nouvelle.
fail-invite-forged = Cette invitation n’est pas authentique : elle nomme l’appareil d’un autre de vos contacts.
fail-invite-expired = Cette invitation a expiré : demandez-en une nouvelle.
fail-already-contact = Cette personne est déjà un contact.
fail-blocked = Ce contact est bloqué : débloquez-le d’abord.
fail-not-requested = Cette personne n’a pas demandé à être ajoutée, ou a déjà été acceptée.
fail-not-accepted = Acceptez avant d’écrire.
fail-outbox-full = Trop de messages attendent pour ce contact : réessayez quand certains auront été distribués.
fail-no-address = Cet appareil n’a pas encore d’adresse réseau : attendez un instant, puis réessayez.
fail-own-mailbox = C’est cet appareil lui-même : son courrier doit être gardé par un autre.
fail-unknown-mailbox = Ce n’est pas l’une de vos boîtes.
fail-unknown-bootstrap = Ce n’est pas l’un de vos nœuds.
fail-too-many = Il y en a déjà trop : retirez-en un d’abord.
fail-slow-mode =
    Ce groupe est en mode lent : prochain message dans { $secs ->
       [one] {$secs} seconde
      *[other] {$secs} secondes
    }.
fail-unknown-group = Ce groupe n’existe pas.
fail-not-in-group = Vous n’êtes pas membre de ce groupe.
fail-still-member = Vous êtes membre de ce groupe : quittez-le d’abord.
fail-cannot-add = Cette personne ne peut pas être ajoutée : seuls vos contacts le peuvent.
fail-may-not-post = Vous ne pouvez pas écrire dans ce groupe pour l’instant.
fail-no-such-request = Cette personne ne demande plus à entrer.
fail-no-directory = Ce groupe n’est pas un annuaire de salons.
fail-not-public = Ce groupe n’est pas un salon public, ou n’a pas encore de lien.
fail-not-listed = Vous n’avez pas inscrit ce salon à cet endroit.
fail-not-answered = Votre demande n’a pas encore de réponse : écrivez quand elle en aura une.
fail-role-too-low = Votre rôle dans ce groupe ne le permet pas.
fail-not-outranked = Seul quelqu’un d’un rôle plus élevé, ou venu plus tôt, peut le faire.
fail-role-too-high = Vous ne pouvez pas donner un rôle qui n’est pas en dessous du vôtre.
fail-already-member = Cette personne est déjà membre.
fail-no-such-member = Cette personne n’est pas membre du groupe.
fail-banned = Cette personne est bannie : levez d’abord le bannissement.
fail-not-banned = Cette personne n’est pas bannie.
fail-group-full = Ce groupe est complet.
fail-no-such-link = Ce lien n’existe pas, ou a été annulé.
fail-link-used-up = Ce lien est épuisé.
fail-oneself = Vous ne pouvez pas vous faire cela à vous-même.

## Toasts

toast-copied = Copié
toast-saved = Enregistré sous {$path}
toast-report-saved = Enregistré sous {$path}. Personne n’y est nommé.
toast-passphrase-changed = La phrase secrète est changée
toast-profile-saved = Profil enregistré
toast-reported = Signalé. Seuls les modérateurs le voient.
toast-request-written = Demande écrite : elle partira dès que la personne sera joignable
toast-busy = Le nœud est occupé : réessayez dans un instant
toast-asking-ended = Vous ne demandez plus à entrer dans ce groupe : vous avez arrêté, ou le lien est épuisé, annulé ou expiré
toast-group-made = Le groupe est créé
toast-added = Ajouté
toast-asked = Demande envoyée : vous entrerez dès que quelqu’un vous admettra

## Account

passphrase-differ = Les deux phrases sont différentes.
passphrase-short = Une phrase secrète a besoin d’au moins huit caractères ; quatre mots au hasard valent mieux.
passphrase-new-differ = Les deux nouvelles phrases sont différentes.
passphrase-leave-empty = Laissez la nouvelle phrase vide pour retirer la protection.
passphrase-enter-new = Entrez une nouvelle phrase, ou choisissez de retirer la protection.
phrase-wrong-word = Ce n’est pas le bon mot : regardez encore votre papier.
phrase-word = Mot {$number}

## Times

today = Aujourd’hui
yesterday = Hier
today-within = aujourd’hui
yesterday-within = hier
tomorrow-at = demain à {$clock}
day-at = {$day} à {$clock}
date = {$day} {$month}
date-year = {$day} {$month} {$year}
date-short = {$day} {$month}
thursday = jeudi
friday = vendredi
saturday = samedi
sunday = dimanche
monday = lundi
tuesday = mardi
wednesday = mercredi
thursday-short = jeu.
friday-short = ven.
saturday-short = sam.
sunday-short = dim.
monday-short = lun.
tuesday-short = mar.
wednesday-short = mer.
january = janvier
february = février
march = mars
april = avril
may = mai
june = juin
july = juillet
august = août
september = septembre
october = octobre
november = novembre
december = décembre
january-short = janv.
february-short = févr.
march-short = mars
april-short = avr.
may-short = mai
june-short = juin
july-short = juil.
august-short = août
september-short = sept.
october-short = oct.
november-short = nov.
december-short = déc.
off = Désactivé
weeks =
    { $count ->
       [one] {$count} semaine
      *[other] {$count} semaines
    }
days =
    { $count ->
       [one] {$count} jour
      *[other] {$count} jours
    }
hours =
    { $count ->
       [one] {$count} heure
      *[other] {$count} heures
    }
minutes =
    { $count ->
       [one] {$count} minute
      *[other] {$count} minutes
    }
seconds =
    { $count ->
       [one] {$count} seconde
      *[other] {$count} secondes
    }
after = Après {$stretch}

## Adding

add-link-missing = Collez le lien que vous avez reçu.
safety-what = Comparez ces chiffres avec ce que voit {$name}, de vive voix ou côte à côte. S’ils sont identiques, personne ne s’est glissé entre vous.
trace-written = Écrit {$day} à {$clock}.
remove-title = Retirer {$name} ?
request-asks = {$name} demande à être ajouté

## Groups: roles

role-observer = Observateur
role-member = Membre
role-moderator = Modérateur
role-admin = Admin
role-owner = Propriétaire
role-observer-means = lit seulement
role-member-means = participe
role-moderator-means = modère
role-admin-means = fixe les rôles et les règles
role-owner-means = peut tout faire
from-observer = Tout le monde
from-member = À partir de membre
from-moderator = À partir de modérateur
from-admin = Admins et propriétaires
from-owner = Propriétaires seulement
about-your-role =
    { $role ->
     [observer] Vous êtes observateur
    *[member] Vous êtes membre
     [moderator] Vous êtes modérateur
     [admin] Vous êtes admin
     [owner] Vous êtes propriétaire
 }
about-made-within = créé {$day}
about-made = Créé {$day}
about-version = Kith {$version}

## Groups: what they say

preview-disappearing-by = {$name} : message éphémère
preview-said-by = {$name} : {$text}
preview-draft = Brouillon : {$text}
preview-you = Vous : {$text}
hidden-preview = Masqué par votre filtre
members =
    { $count ->
       [one] {$count} membre
      *[other] {$count} membres
    }
members-online =
    { $count ->
       [one] {$count} membre
      *[other] {$count} membres
    }, {$online} en ligne
group-asked-for = Un groupe où vous demandez à entrer
group-without-name = Un groupe sans nom
silence-asking = Personne ne vous a encore admis. La demande continue dès que vous êtes en ligne.
silence-invited = Acceptez l’invitation pour écrire ici.
silence-left = Vous avez quitté ce groupe. Ce qui a été dit reste lisible ici.
silence-removed = Vous avez été retiré de ce groupe. Ce qui a été dit reste lisible ici.
silence-observer = Vous êtes observateur dans ce groupe : vous pouvez lire, pas écrire.
silence-muted = Vous êtes en sourdine dans ce groupe jusqu’à ce que quelqu’un la lève.
silence-muted-until = Vous êtes en sourdine dans ce groupe jusqu’à {$until}.
member-muted = en sourdine
member-muted-until = en sourdine jusqu’à {$until}
member-you = {$name} (vous)
notify-all = Chaque message
notify-nothing = Rien
history-nothing = Rien d’avant leur arrivée
history-last =
    { $count ->
       [one] Le dernier message
      *[other] Les {$count} derniers messages
    }
history-everything = Tout ce que les membres ont encore
people-chosen =
    { $count ->
       [one] {$count} personne choisie
      *[other] {$count} personnes choisies
    }
pins-count =
    { $count ->
       [one] Épinglé
      *[other] {$count} épinglés
    }
pins-go = Aller au message épinglé de {$name} : {$text}
bar-asking =
    { $count ->
       [one] {$count} demande
      *[other] {$count} demandes
    }
bar-reports =
    { $count ->
       [one] {$count} signalement
      *[other] {$count} signalements
    }
bar-rooms = Salons
group-about-named = À propos de {$name}
reply-to-yourself = Réponse à vous-même
reply-to = Réponse à {$name}
mention = Mentionner {$name}
mention-everybody =
    tout le monde, { $count ->
       [one] {$count} membre
      *[other] {$count} membres
    }
invited-added = {$name} vous a ajouté à ce groupe
invited-to = Invité dans « {$name} »
invited-by = par {$name}, qui n’est pas dans vos contacts
pending-asking = Vous demandez à entrer : {$name}
pending-asked = Un membre a votre demande. Vous entrerez dès que quelqu’un vous admettra.
pending-looking = Recherche d’un membre en ligne. Cela peut prendre du temps ; vous pouvez fermer Kith entre-temps.
unread-divider =
    { $count ->
       [one] {$count} nouveau message
      *[other] {$count} nouveaux messages
    }
row-unread =
    , { $count ->
       [one] {$count} non lu
      *[other] {$count} non lus
    }
row-mentioned = , vous êtes mentionné
row-asking =
    , { $count ->
       [one] {$count} demande
      *[other] {$count} demandent
    } à entrer
row-reports =
    , { $count ->
       [one] {$count} signalement
      *[other] {$count} signalements
    }
disappears = éphémère
slow-mode = Mode lent : un message par {$every}. Prochain message dans {$left}.
hidden-by-filter = Masqué par votre filtre
hidden-show = Afficher
menu-report = Signaler…
menu-open-link = Ouvrir {$host}

## Links into groups

link-no-end = Sans fin
link-any-number = Autant que voulu
people =
    { $count ->
       [one] {$count} personne
      *[other] {$count} personnes
    }
link-unused = Personne n’est encore venu par ce lien
link-used =
    { $count ->
       [one] {$count} personne venue
      *[other] {$count} personnes venues
    } par ce lien
link-used-of = {$used} sur {$count} venus par ce lien
link-endless = sans fin
link-expired = expiré
link-until = jusqu’à {$until}
link-approval = quelqu’un doit accepter
link-by-you = par vous
link-by = par {$name}

## Receipts

receipt-read = l’a lu
receipt-delivered = l’a reçu
receipt-stored = ses boîtes ont promis de le garder
receipt-sent = en route
receipt-queued = attend une connexion
receipt-failed = non distribué
reached-all = lu par tous
reached-none = pas encore distribué
reached-delivered = distribué à {$count} sur {$of}
reached-read = lu par {$count} sur {$of}

## Questions

doubt-remove = Retirer {$who} de « {$name} » ?
doubt-remove-follows = {$who} ne lira plus rien de nouveau, et garde ce qui a été dit. Il sera possible de l’ajouter à nouveau.
doubt-ban = Bannir {$who} de « {$name} » ?
doubt-ban-follows = {$who} est retiré et ne peut revenir par aucun lien tant que le bannissement n’est pas levé.
doubt-ban-do = Bannir
doubt-owner = Faire de {$who} un propriétaire de « {$name} » ?
doubt-owner-follows = {$who} pourra alors tout faire, y compris nommer d’autres propriétaires. Seuls les propriétaires plus anciens peuvent revenir dessus.
doubt-owner-do = Nommer propriétaire
doubt-step-down-follows = Vous ne pourrez pas reprendre votre rôle vous-même : quelqu’un d’un rôle plus élevé devra vous le rendre.
doubt-revoke = Annuler le lien ?
doubt-revoke-follows = Plus personne n’entrera par ce lien. Qui est venu par lui reste.
doubt-revoke-do = Annuler le lien
doubt-delete = Supprimer ce message pour tous ?
doubt-delete-follows = Il disparaît chez chaque membre dès que son appareil l’apprend. Le fait qu’un message a été supprimé reste visible.
doubt-delete-do = Supprimer
doubt-take-out = Retirer ce salon de l’annuaire ?
doubt-take-out-follows = Les membres ne le trouveront plus ici. Qui l’a inscrit peut l’inscrire à nouveau.
doubt-take-out-do = Retirer
doubt-leave = Quitter « {$name} » ?
doubt-leave-follows = Vous ne lirez plus rien de nouveau. Pour revenir, il faudra qu’on vous ajoute ou vous donne un lien.
doubt-leave-do = Quitter
doubt-forget = Oublier « {$name} » ?
doubt-forget-follows = Le groupe et tous ses messages seront supprimés de cet ordinateur. C’est irréversible.
doubt-forget-do = Oublier

## What happened

line-created =
    { $side ->
       [by-you] Vous avez créé le groupe « {$name} »
      *[other] {$by} a créé le groupe « {$name} »
    }
line-left =
    { $side ->
       [by-you] Vous avez quitté le groupe
      *[other] {$by} a quitté le groupe
    }
line-profile =
    { $side ->
       [by-you] Vous avez modifié le profil du groupe « {$name} »
      *[other] {$by} a modifié le profil du groupe « {$name} »
    }
line-policy =
    { $side ->
       [by-you] Vous avez changé les règles
      *[other] {$by} a changé les règles
    }
line-link-made =
    { $side ->
       [by-you] Vous avez créé un lien vers le groupe
      *[other] {$by} a créé un lien vers le groupe
    }
line-link-revoked =
    { $side ->
       [by-you] Vous avez annulé un lien vers le groupe
      *[other] {$by} a annulé un lien vers le groupe
    }
line-pinned =
    { $side ->
       [by-you] Vous avez épinglé un message
      *[other] {$by} a épinglé un message
    }
line-unpinned =
    { $side ->
       [by-you] Vous avez désépinglé un message
      *[other] {$by} a désépinglé un message
    }
line-deleted =
    { $side ->
       [by-you] Vous avez supprimé un message pour tous
      *[other] {$by} a supprimé un message pour tous
    }
line-added =
    { $side ->
       [by-you] Vous avez ajouté {$whom}
       [to-you] {$by} vous a ajouté
      *[other] {$by} a ajouté {$whom}
    }
line-joined =
    { $side ->
       [by-you] {$whom} est venu par un lien, admis par vous
       [to-you] Vous êtes venu par un lien, admis par {$by}
      *[other] {$whom} est venu par un lien, admis par {$by}
    }
line-removed =
    { $side ->
       [by-you] Vous avez retiré {$whom}
       [to-you] {$by} vous a retiré
      *[other] {$by} a retiré {$whom}
    }
line-banned =
    { $side ->
       [by-you] Vous avez banni {$whom}
       [to-you] {$by} vous a banni
      *[other] {$by} a banni {$whom}
    }
line-unbanned =
    { $side ->
       [by-you] Vous permettez à {$whom} de revenir
       [to-you] {$by} vous permet de revenir
      *[other] {$by} permet à {$whom} de revenir
    }
line-unmuted =
    { $side ->
       [by-you] Vous avez rendu la parole à {$whom}
       [to-you] {$by} vous a rendu la parole
      *[other] {$by} a rendu la parole à {$whom}
    }
line-muted =
    { $side ->
       [by-you] Vous avez mis {$whom} en sourdine jusqu’à nouvel ordre
       [to-you] {$by} vous a mis en sourdine jusqu’à nouvel ordre
      *[other] {$by} a mis {$whom} en sourdine jusqu’à nouvel ordre
    }
line-muted-until =
    { $side ->
       [by-you] Vous avez mis {$whom} en sourdine jusqu’à {$until}
       [to-you] {$by} vous a mis en sourdine jusqu’à {$until}
      *[other] {$by} a mis {$whom} en sourdine jusqu’à {$until}
    }
you-object = vous
line-dropped =
    { $count ->
       [one] Un message écrit après a été écarté.
      *[other] {$count} messages écrits après ont été écartés.
    }

## Network

network-none = Pas de réseau
network-online =
    { $count ->
       [one] {$count} contact en ligne
      *[other] {$count} contacts en ligne
    }
network-seeks-node = Recherche d’un nœud communautaire…
network-seeks = Recherche de vos contacts…
network-ready = Prêt
network-facts =
    { $peers ->
       [one] {$peers} pair
      *[other] {$peers} pairs
    }, {$up} nœuds communautaires sur {$nodes}, {$dht} dans l’annuaire des appareils
mailbox-refused = Elle ne vous accepte pas : la personne à qui elle appartient doit peut-être d’abord vous ajouter.
mailbox-refused-places = Elle ouvre moins de places pour vos contacts que demandé.
mailbox-refused-work = Elle demande plus de calcul que cet ordinateur n’en fait : trop de gens y veulent une place.
mailbox-refused-much = Elle ne vous accepte pas pour l’instant : trop de demandes de votre réseau. Elle sera redemandée.
mailbox-refused-full = Elle est pleine et ne vous accepte pas ; elle sera redemandée d’ici un jour.
mailbox-refused-unknown = Elle ne vous accepte pas sans bon : demandez-en un à qui la tient, puis ajoutez-la de nouveau avec.
mailbox-refused-voucher = Elle n’accepte pas votre bon : demandez le mot qui vaut maintenant.
mailbox-closing = Elle ferme ; ce qu’elle contient est en train d’être récupéré.
mailbox-good = Elle a une place pour vos messages et répond.
mailbox-away = Elle a une place pour vos messages ; elle ne répond pas pour l’instant.
mailbox-asked = La demande est en cours.
mailbox-chosen = Choisie par vous
mailbox-found = Trouvée automatiquement
mailbox-without =
    { $count ->
       [one] un contact n’y a pas de place
      *[other] {$count} contacts n’y ont pas de place
    }
mailbox-since = depuis {$day}
mailbox-last = dernier message {$when}
mailbox-free = {$size} libres
mailboxes-none = Aucune boîte ne garde encore de messages pour vous. En votre absence, ils attendent chez qui les a écrits. Ajoutez un nœud communautaire, ou demandez à un ami d’activer « Aider les autres ».
mailboxes-some =
    { $count ->
       [one] Une boîte a une place pour vos messages ; {$answer} sur 1 répond en ce moment. Trois, c’est mieux : deux peuvent disparaître.
      *[other] {$count} boîtes ont une place pour vos messages ; {$answer} { $answer ->
           [one] répond
          *[other] répondent
        } en ce moment. Ce qui y est déposé est scellé.
    }
node-connected = Il est connecté.
node-silent = Il ne répond pas pour l’instant.
node-relays = d’autres vous joignent par lui
node-mailbox = a une place pour vos messages
node-named = indiqué pour ce lancement seulement
place = {$host}, port {$port}
helping-problem = Rien n’est gardé pour l’instant : {$why}. Un nouvel essai se fait tout seul.
helping-people =
    { $count ->
       [one] une personne
      *[other] environ {$count} personnes
    }
helping-messages =
    { $count ->
       [one] {$count} message attend ici
      *[other] {$count} messages attendent ici
    }
helping-contacts = Cet ordinateur garde des messages scellés pour vos contacts.
helping-anybody = Cet ordinateur garde des messages scellés pour qui le demande.
helping-contacts-since = Cet ordinateur garde des messages scellés pour vos contacts depuis {$day}.
helping-anybody-since = Cet ordinateur garde des messages scellés pour qui le demande depuis {$day}.
helping-nobody = Personne n’a encore de boîte ici.
helping-holds = {$messages}, {$size} en tout, pour {$people}.
helping-gives-until = {$messages}, {$size} en tout. C’est encore remis à qui vient le chercher, jusqu’à {$day} au plus tard.
helping-gives = {$messages}, {$size} en tout. C’est encore remis à qui vient le chercher.
helping-closing = C’est désactivé : rien de nouveau n’est pris.
helping-off = Cet ordinateur ne garde rien pour les autres.
help-at-most = {$size} au plus

## Notifications

notice-title-many = {$name} ({$count} nouveaux)
notice-wrote = {$name} a écrit
notice-new-message = Nouveau message
notice-request = Ouvrez Kith pour accepter ou refuser.
notices-what = Quand un message arrive
notices-text = Montrer qui a écrit, et quoi
notices-name = Montrer seulement qui a écrit
notices-nothing = Ne rien montrer
notices-rules = Aucune pour la discussion que vous regardez. Dans les groupes, c’est ce que vous y avez choisi : chaque message, les mentions, ou rien.
notices-lock-screen = Ce qui est montré peut être lu par d’autres sur l’écran verrouillé, et certains systèmes le conservent.

## Settings

settings-page-general = Général
settings-page-notices = Notifications
settings-page-filters = Filtres et blocages
settings-page-nodes = Nœuds
settings-page-mailboxes = Boîtes aux lettres
settings-page-help = Aider les autres
settings-page-connection = Connexion
settings-this-device = Cet appareil
settings-language = Langue
settings-language-system = Comme le système
filters-title = Mots que vous ne voulez pas lire
filters-what = Un message d’autrui qui contient l’un de ces mots est masqué derrière une ligne ; un clic l’affiche. Rien n’est supprimé, et personne ne l’apprend. Seuls comptent les mots entiers, majuscules ou non.
filters-add-label = Ajouter des mots
filters-add = Masquer
filters-hint = Un ou plusieurs, séparés par des virgules
filters-none = Aucun : vous lisez tout.
filters-remove = Ne plus masquer « {$word} »
blocks-title =
    { $count ->
       [one] {$count} personne bloquée
      *[other] {$count} personnes bloquées
    }
blocks-what = Elles ne peuvent ni vous écrire ni voir quand vous êtes en ligne. Elles n’en sont pas averties.
blocks-copy = Copier en liste
blocks-save = Enregistrer en fichier
blocks-import-title = Reprendre la liste de quelqu’un
blocks-import-what = Vous verrez d’abord combien elle en bloquerait. Personne n’est bloqué avant votre accord.
blocks-import-hint = Collez la liste, ou déposez le fichier ici
blocks-look = Examiner
blocks-no-list = Ce n’est pas une liste de personnes bloquées, ou elle contient une erreur. Personne n’a été bloqué.
blocks-preview =
    { $count ->
       [one] Elle bloquerait {$count} personne.
      *[other] Elle bloquerait {$count} personnes.
    }
blocks-preview-known =
    { $count ->
       [one] {$count} est déjà bloquée.
      *[other] {$count} sont déjà bloquées.
    }
blocks-preview-contacts =
    { $count ->
       [one] {$count} est parmi vos contacts.
      *[other] {$count} sont parmi vos contacts.
    }
blocks-preview-own = Vous y figurez vous-même ; c’est ignoré.
blocks-import =
    { $count ->
       [one] Bloquer {$count} personne
      *[other] Bloquer {$count} personnes
    }

## Public rooms

kind-private = Groupe privé
kind-private-means = N’entrent que les personnes ajoutées ou munies d’un lien. Les nouveaux ne voient rien d’avant.
kind-room = Salon public
kind-room-means = Toute personne munie du lien peut entrer et lire ce qui a été dit. N’y écrivez rien qui doive rester secret.
kind-directory = Annuaire de salons
kind-directory-means = Un salon public dont les membres inscrivent d’autres salons, pour qu’on les trouve.
kind-coming-in = Entrée
kind-by-work = Tout le monde, après quelques secondes de calcul
kind-by-approval = Quelqu’un doit admettre chaque personne
kind-link-follows = Vous aurez son lien dès qu’il sera créé.
kind-newcomers = Au début, les nouveaux
kind-write-at-once = Peuvent écrire tout de suite
kind-observers-first = Lisent seulement, jusqu’à devenir membres
rules-openness = Ouverture
rules-public = Salon public
rules-public-means = Il a un lien que chaque membre peut transmettre.
rules-observers-first = Les nouveaux ne font d’abord que lire
rules-observers-first-means = Ils entrent comme observateurs, jusqu’à ce que quelqu’un en fasse des membres.
rules-directory = Annuaire de salons
rules-directory-means = Les membres peuvent y inscrire des salons publics.
links-public = Le lien de ce salon
links-public-none = Il n’y en a pas encore : un modérateur doit le créer.
links-public-what = Tout le monde peut entrer par lui. Transmettez-le où vous voulez.
links-public-approval = Tout le monde peut demander à entrer par lui, et quelqu’un l’admet. Transmettez-le où vous voulez.
links-list-room = L’inscrire dans un annuaire
page-banned = Bannis et en sourdine
page-listings = Dans les annuaires
page-reports = Signalements
directory-rooms = Salons de cet annuaire
muted-title = En sourdine
muted-none = Personne n’est en sourdine.
banned-title = Bannis
listings-what = Les membres d’un annuaire y trouvent ce salon par son nom, son sujet et ces mots. Ce que vous indiquez ici est montré avec votre nom.
listings-no-directories = Vous n’êtes dans aucun annuaire. Collez le lien d’un annuaire pour y entrer.
listings-language = Langue, comme fr ou pt-BR (facultatif)
listings-tags = Mots par lesquels on le trouve, huit au plus (facultatif)
listings-directories = Vos annuaires
listings-by-you = Inscrit par vous {$day}
listings-by = Inscrit par {$name}
listings-not = Non inscrit
listings-may-not = Vous ne pouvez pas y écrire, donc pas y inscrire de salons.
listings-renew = Inscrire à nouveau
listings-publish = Inscrire le salon
listings-unpublish = Retirer
discover-title = Découvrir des salons
discover-search = Chercher par nom, sujet, langue ou mot-clé
discover-all-directories = Tous les annuaires
discover-found =
    { $count ->
       [one] {$count} salon
      *[other] {$count} salons
    }
discover-no-directories = Vous n’êtes dans aucun annuaire
discover-what-directories-are = On trouve les salons dans des annuaires : des groupes dont les membres inscrivent des salons publics. Collez le lien d’un annuaire qu’on vous a donné, et ses salons apparaîtront ici. La recherche se fait sur votre ordinateur ; personne n’apprend ce que vous cherchez.
discover-paste-link = Coller un lien
discover-make-directory = Créer un annuaire
discover-empty = Aucun salon inscrit
discover-empty-hint = Inscrivez l’un de vos salons publics depuis son panneau.
discover-nothing-hint = Essayez d’autres mots, ou moins de mots.
room-listed = Inscrit par {$name} dans {$directory}, {$day}
room-listed-by-you = Inscrit par vous dans {$directory}, {$day}
room-take-out = Retirer de l’annuaire…
room-join = Entrer…
room-open = Ouvrir
room-asking = Demandé
join-title = Entrer dans un groupe
join-ask = Demander à entrer
join-unnamed = Un groupe ou un salon public
join-unnamed-hint = Son nom sera connu dès que quelqu’un vous admettra.
join-inside = Vous êtes déjà dans ce groupe.
join-asking = Vous demandez déjà à entrer.
join-hosts =
    { $count ->
       [one] {$count} membre est sollicité, et d’autres sont cherchés.
      *[other] {$count} membres sont sollicités, et d’autres sont cherchés.
    }
join-seen = Les membres voient votre nom, et quand vous êtes en ligne.
join-approval = Vous entrez dès qu’un membre vous admet ; dans certains groupes, quelqu’un doit d’abord accepter.
join-work = Votre ordinateur calcule quelques secondes, ce qui écarte qui voudrait venir mille fois.

## Reports

report-title = Signaler ce message
report-why = Qu’est-ce qui ne va pas ?
report-why-spam = Publicité ou spam
report-why-abuse = Insultes, menaces ou haine
report-why-rules = Contraire aux règles du groupe
report-why-law = Contraire à la loi
report-why-other = Autre chose
report-words = Précisions (facultatif)
report-words-needed = De quoi s’agit-il ?
report-told = Visible seulement par {$names} : le message, votre motif, et que cela vient de vous. {$author} n’est pas averti.
report-told-author = {$author} modère aussi ce groupe, et le verra.
report-told-more =
    Visible seulement par {$names} et { $count ->
       [one] {$count} autre modérateur
      *[other] {$count} autres modérateurs
    } : le message, votre motif, et que cela vient de vous. {$author} n’est pas averti.
report-send = Signaler
reports-none = Aucun signalement
reports-none-hint = Ce que les membres signalent apparaît ici, pour les modérateurs.
reports-what = Seuls les modérateurs voient ceci. Les mots sont tels que leur auteur les a signés.
reports-by = Signalé par {$name}, {$when}
reports-no-reason = Sans motif
reports-go = Voir le message
reports-member = {$name}…
reports-dismiss = Classer
reports-dismiss-hint = Oublie le signalement sur cet appareil ; le message reste
reports-author-gone = Son auteur n’est plus membre.

## What became of a message

trace-read = Il a été lu.
trace-delivered = Il est sur l’un de ses appareils.
trace-failed = Il n’est plus envoyé, et personne n’a confirmé l’avoir.
trace-kept =
    {$count} de ses {$of} boîtes { $count ->
       [one] a
      *[other] ont
    } promis de le garder jusqu’au {$day}.
trace-not-kept = Il attend ici : aucune promesse de ses boîtes connues n’est encore valable.
trace-sent = Il a été envoyé ; son appareil ne l’a pas encore confirmé.
trace-no-mailbox = Il attend ici que vous soyez tous deux en ligne : aucune boîte connue.
trace-waits = Il attend ici : aucun de ses appareils ni aucune de ses boîtes ne l’a encore pris.
trace-mailbox-keeps = La boîte {$number} a promis de le garder jusqu’au {$day}.
trace-confirmed = Son appareil a confirmé l’avoir, {$ago}.
trace-confirmed-once = Son appareil a confirmé l’avoir ; la date n’est plus connue.
trace-was-read = Il a été lu, {$ago}.
trace-untried = Rien n’a encore été tenté depuis le démarrage de cet appareil.
trace-dial = Recherche de son appareil
trace-direct = Envoyé en direct
trace-relayed = Envoyé par un relais
trace-left = Déposé dans {$place}
trace-not-left = Non déposé dans {$place}
trace-end-nobody = aucune adresse n’a répondu
trace-end-silent = pas de réponse
trace-end-sent = en route ; seul un accusé dira qu’il est arrivé
trace-end-broken = la connexion s’est terminée avant l’accusé
trace-end-kept = elle a promis de le garder
trace-end-no-place = aucune place n’y est ouverte pour vous
trace-end-no-room = plus de place pour vous : ce que vous avez déposé y est encore, ou trop est venu à la fois
trace-end-full = elle est pleine
trace-end-closing = elle ferme et ne prend plus rien
trace-end-work = elle demande plus de calcul que cet appareil n’en fait
trace-end-refused = elle a refusé
trace-once = {$way}, {$ago} : {$end}.
trace-times = {$way}, {$count} fois, la dernière {$ago} : {$end}.
trace-last = {$way}, la dernière fois {$ago} : {$end}.
trace-next-dial-now = Son appareil est recherché en ce moment.
trace-next-dial = Son appareil sera recherché {$when} : la pause s’allonge tant que personne ne répond.
trace-next-now = Dépôt dans {$place} {$when}.
trace-next-refused = Nouveau dépôt dans {$place} {$when}, la pause après un refus.
trace-next-no-room = Nouveau dépôt dans {$place} {$when}, ou dès que cette personne y sera passée et aura fait de la place.
trace-next-renewal = Nouveau dépôt dans {$place} {$when}, avant la fin de sa promesse.
trace-next-silent = Dépôt dans {$place} {$when} : pas de réponse, et la pause s’allonge à chaque fois.
trace-next-receipt = Un accusé sera demandé {$when}, s’il n’en vient pas avant.
trace-next-here = Il passe par la connexion présente.
trace-a-mailbox = une boîte
trace-old-mailbox = une boîte utilisée auparavant
trace-mailbox = la boîte {$number}
just-now = à l’instant
ago-seconds =
    il y a { $count ->
       [one] {$count} seconde
      *[other] {$count} secondes
    }
ago-minutes =
    il y a { $count ->
       [one] {$count} minute
      *[other] {$count} minutes
    }
ago-hours =
    il y a { $count ->
       [one] {$count} heure
      *[other] {$count} heures
    }
ago-days =
    il y a { $count ->
       [one] {$count} jour
      *[other] {$count} jours
    }
now = maintenant
in-seconds =
    dans { $count ->
       [one] {$count} seconde
      *[other] {$count} secondes
    }
in-minutes =
    dans { $count ->
       [one] {$count} minute
      *[other] {$count} minutes
    }
in-hours =
    dans { $count ->
       [one] {$count} heure
      *[other] {$count} heures
    }
in-days =
    dans { $count ->
       [one] {$count} jour
      *[other] {$count} jours
    }
verdict-good = Tout va bien.
verdict-unknown =
    Tout va bien, pour autant qu’on sache ; { $count ->
       [one] une chose n’a
      *[other] {$count} choses n’ont
    } pas encore été mesurée(s).
verdict-bad =
    { $count ->
       [one] {$count} chose demande votre attention.
      *[other] {$count} choses demandent votre attention.
    }
link-for =
    { $role ->
     [observer] Pour un nouvel observateur
    *[member] Pour un nouveau membre
     [moderator] Pour un nouveau modérateur
     [admin] Pour un nouvel admin
     [owner] Pour un nouveau propriétaire
 }
doubt-step-down =
    { $role ->
     [observer] Redevenir observateur ?
    *[member] Redevenir membre ?
     [moderator] Redevenir modérateur ?
     [admin] Redevenir admin ?
     [owner] Se rétrograder ?
 }
silence-only-from =
    { $role ->
     [observer] Tout le monde écrit dans ce groupe.
    *[member] Les membres et au-dessus écrivent dans ce groupe.
     [moderator] Seuls les modérateurs, admins et propriétaires écrivent dans ce groupe.
     [admin] Seuls les admins et propriétaires écrivent dans ce groupe.
     [owner] Seuls les propriétaires écrivent dans ce groupe.
 }
line-role =
    { $side ->
       [by-you] { $role ->
           [observer] Vous avez nommé {$whom} observateur
          *[member] Vous avez nommé {$whom} membre
           [moderator] Vous avez nommé {$whom} modérateur
           [admin] Vous avez nommé {$whom} admin
           [owner] Vous avez nommé {$whom} propriétaire
        }
       [to-you] { $role ->
           [observer] {$by} vous a nommé observateur
          *[member] {$by} vous a nommé membre
           [moderator] {$by} vous a nommé modérateur
           [admin] {$by} vous a nommé admin
           [owner] {$by} vous a nommé propriétaire
        }
      *[other] { $role ->
           [observer] {$by} a nommé {$whom} observateur
          *[member] {$by} a nommé {$whom} membre
           [moderator] {$by} a nommé {$whom} modérateur
           [admin] {$by} a nommé {$whom} admin
           [owner] {$by} a nommé {$whom} propriétaire
        }
    }


## Calls

notice-calls = { $name } vous appelle
call-start = Appel vocal
call-start-video = Appel vidéo
call-no-contact = Seules les personnes qui vous ont accepté comme contact peuvent être appelées.
call-no-talking = Vous êtes déjà en appel.
call-no-network = Il n’y a pas de réseau.
call-no-camera = Aucune caméra n’a été trouvée ou choisie : voyez les réglages sous « Appels ».
call-no-screen = Aucun écran n’a été trouvé ou choisi : voyez les appareils.
call-calling = Appel…
call-ringing = Ça sonne…
call-incoming = Appel vocal
call-incoming-video = Appel vidéo
call-connecting = Connexion…
call-reconnecting = Connexion perdue : recherche d’une autre…
call-hold-own = En attente
call-hold-theirs = L’autre a mis l’appel en attente
call-end-finished = L’appel est terminé
call-end-declined = Refusé
call-end-busy = Occupé : un autre appel était en cours
call-end-no-answer = Personne n’a répondu
call-end-unreachable = Personne n’était joignable : votre appel sera visible
call-end-cancelled = Annulé avant la réponse
call-end-missed = Manqué
call-end-answered-elsewhere = Répondu sur votre autre appareil
call-end-declined-elsewhere = Refusé sur votre autre appareil
call-end-unsupported = L’autre appareil ne peut pas prendre ce genre d’appels
call-end-no-connection = Aucune connexion pour le son n’a été trouvée entre les deux appareils
call-end-lost = La connexion a été perdue
call-end-interrupted = Kith a été fermé pendant l’appel
call-end-no-microphone = Aucun microphone n’a pu être utilisé : voyez les réglages sous « Appels »
call-end-no-relay = Votre adresse est cachée à cette personne pendant les appels, et aucun nœud communautaire qui relaie les appels n’est là : ajoutez-en un, comparez les numéros de sécurité ou autorisez les appels directs
call-end-no-agreement = Les deux appareils n’ont pas pu s’accorder : mettez Kith à jour sur les deux
call-end-broken = Le son a cessé de fonctionner sur cet appareil
call-end-replaced = Vous vous êtes appelés en même temps : l’autre appel continue
call-line-missed = Appel manqué
call-line-missed-video = Appel vidéo manqué
call-line-out = Appel sortant
call-line-out-video = Appel vidéo sortant
call-line-in = Appel entrant
call-line-in-video = Appel vidéo entrant
call-line-whole = { $what } : { $how }
call-line-at = { $clock } · { $how }
call-went-unheard = Terminé avant la connexion
call-went-broken = { $talked } : { $why }
call-went-declined = Vous avez refusé
call-went-busy = Vous étiez dans un autre appel
call-went-unsupported = Cet appareil ne peut pas prendre d’appels
call-quality-none = Aucune connexion
call-quality-bad = Mauvaise connexion
call-quality-weak = Connexion faible
call-quality-fair = Connexion correcte
call-quality-good = Bonne connexion
call-to-chats = Afficher les discussions ; l’appel continue
call-larger = Utiliser toute la fenêtre
call-smaller = Afficher les discussions à côté
call-figures = Ce qui est mesuré
call-their-screen = Écran de { $name }
call-their-recording = enregistré par l’autre partie
call-their-picture = Image de { $name }
call-own-picture = Votre propre image
call-they-are-silent = { $name } a coupé son microphone
call-return = Revenir à l’appel
call-return-to = Revenir à l’appel avec { $name }
call-bar = { $name } · { $state }
call-hang-up = Raccrocher
call-mute = Couper le microphone
call-unmute = Activer le microphone
call-camera-on = Activer la caméra
call-camera-off = Couper la caméra
call-screen-on = Montrer votre écran
call-screen-off = Ne plus montrer votre écran
call-hold = Mettre en attente
call-resume = Reprendre l’appel
call-devices = Appareils
call-microphone = Microphone
call-speaker = Haut-parleur
call-camera = Caméra
call-screen = Écran
call-level = Niveau du microphone
call-device-default = Selon le système
call-device-none = Aucun
call-device-first = Le premier
call-device-pattern = Mire de test
call-decline = Refuser
call-accept = Répondre
call-accept-video = Avec caméra
call-again = Rappeler
call-back = Rappeler
call-back-video = Rappeler en vidéo
settings-page-calls = Appels
notice-group-call = Appel dans { $name }
call-group = Appel de groupe
call-group-by = { $name } appelle le groupe
call-group-by-more = { $name } et { $count ->
    [one] une autre personne sont
   *[other] { $count } autres sont
 } en appel
call-group-start = Appeler le groupe
call-group-start-video = Appeler le groupe en vidéo
call-group-join = Rejoindre
call-group-join-video = Rejoindre avec caméra
call-group-show = Afficher l’appel
call-group-waiting = Personne d’autre n’est là pour l’instant
call-group-people = { $count ->
    [one] une personne
   *[other] { $count } personnes
 }
call-group-ongoing = Un appel est en cours : { $count ->
    [one] une personne y est
   *[other] { $count } personnes y sont
 }
call-group-row = , un appel est en cours
call-no-member = Seuls les membres du groupe peuvent l’appeler.
call-not-allowed =
    { $role ->
     [observer] Tout le monde peut lancer des appels dans ce groupe.
    *[member] Les membres et au-dessus peuvent lancer des appels dans ce groupe.
     [moderator] Seuls les modérateurs, admins et propriétaires peuvent lancer des appels dans ce groupe.
     [admin] Seuls les admins et propriétaires peuvent lancer des appels dans ce groupe.
     [owner] Seuls les propriétaires peuvent lancer des appels dans ce groupe.
 }
call-hand-raise = Lever la main
call-hand-lower = Baisser la main
call-hand-of = { $name } a levé la main
call-arrange-grid = Afficher tout le monde pareil
call-arrange-speaker = Afficher en grand qui parle
call-tile-larger = Afficher { $name } en grand
call-tile-smaller = Ne plus afficher { $name } en grand
call-tile-connecting = connexion…
call-tile-silent = microphone coupé
call-mute-one = Couper le microphone de { $name }
call-muted-by = { $name } a coupé votre microphone
call-you = Vous
figures-forwarder = Relayé par
call-devices-what = Ce qui est branché apparaît à l’ouverture de cette page. La mire de test montre comment marche un appel vidéo.
call-test = S’entendre soi-même
call-test-end = Arrêter
call-test-what = Un appel à vous-même : vous entendez ce que capte le microphone deux secondes plus tard, comme d’autres l’entendraient.
call-test-speak = Dites quelque chose : cela revient après deux secondes. Avec des haut-parleurs, l’écho est retiré.
call-test-no-speaker = Aucun haut-parleur n’a pu être utilisé : choisissez-en un autre ci-dessus.
call-hide-one = Adresse réseau dans les appels
call-hide-as-all = Comme dans les réglages
call-hide-always = Toujours la cacher
call-hide-never = Ne jamais la cacher
call-hide-title = Cacher votre adresse réseau pendant les appels à
call-hide-everybody = Tout le monde
call-hide-unverified = Les personnes dont vous n’avez pas comparé le numéro de sécurité
call-hide-nobody = Personne
call-hide-what = Les appels passent alors seulement par des relais, ce qui est plus lent et demande un nœud communautaire qui relaie. Valable dès le prochain appel. Avec le deuxième choix, ceux dont l’appareil est relié directement au vôtre pour les messages sont appelés directement : ils ont l’adresse de toute façon.
key-mute-one = En appel de groupe : couper le microphone de la personne marquée
key-call = Appeler le contact ouvert
key-mute = En appel : microphone oui ou non
key-camera = En appel : caméra oui ou non
key-talk = En appel : parler tant qu’elle est enfoncée
key-hang-up = Raccrocher
figures-none = Rien n’a encore été mesuré.
figures-path = Chemin
figures-path-none = en recherche
figures-path-direct = direct, UDP
figures-path-relayed = par un relais
figures-path-interrupted = interrompu
figures-path-failed = échoué
figures-address = Votre adresse
figures-address-hidden = cachée
figures-address-seen = visible pour eux
figures-round-trip = Aller-retour
figures-millis = { $millis } ms
figures-loss = Pertes à l’aller
figures-percent = { $percent } %
figures-may-send = Débit permis
figures-kilobits = { $rate } kbit/s
figures-megabits = { $rate } Mbit/s
figures-held = Tampon de gigue
figures-made-up = Son reconstitué
figures-repaired = Réparés / perdus
figures-repaired-of = { $repaired } / { $lost }
figures-bytes = envoyé / reçu
figures-bytes-of = { $sent } / { $came }
figures-size = image
figures-shown = images affichées

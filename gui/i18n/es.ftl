### Español: tú, breve, sin jerga.


## Windows, dialogs, settings

you = Tú
starting = Abriendo tus mensajes…
cannot-start = Kith no puede iniciarse
stopped-title = Kith se ha detenido
stopped-full = El disco está lleno y no se puede escribir nada más. Libera al menos {$room} donde está {$folder} y vuelve a abrir Kith. Lo que estaba confirmado se conserva.
stopped-storage = No se pudo escribir en la carpeta {$folder}. Comprueba el disco y que todavía puedes escribir en ella, y vuelve a abrir Kith. ({$why})
stopped-fault = Un fallo del programa lo ha detenido. No se ha perdido nada de lo que estaba confirmado: vuelve a abrir Kith.
stopped-closed = Ya no se envía ni se recibe nada. Vuelve a abrir Kith.
stopped-keeps = Puedes seguir leyendo. Lo que estás escribiendo se conserva.
open-again = Volver a abrir
opening-again = Abriendo…
main-empty-hint = Invita a alguien o usa un enlace que te hayan dado.
main-empty = Aún no hay nadie
add-title = Añadir a alguien
main-choose = Elige un chat
main-choose-hint = Ctrl+K busca, Ctrl+/ muestra todos los atajos.
chat-offline = No hay red. Lo que escribas se guarda y se envía en cuanto la haya.
chat-refused-address = Nadie acepta solicitudes en esta dirección: o no lo desea, o lleva un mes sin conectarse. Pídele un enlace o inténtalo más tarde.
chat-looked-for = Se le está buscando por su dirección. Puede tardar unos minutos o, si lleva dos días sin conectarse, hasta que vuelva. Podrás escribir en cuanto aparezca.
chat-refused-link = El enlace ya se usó o es demasiado antiguo: pide uno nuevo y añádelo. Lo que escribiste se conserva.
chat-not-accepted = Aún no ha aceptado. Lo que escribas se guarda y se envía cuando lo haga.
chat-blocked = Has bloqueado este contacto: no se envía ni se recibe nada.
back-to-chats = Volver a los chats
safety-compared-mark = Has comparado el número de seguridad
presence-direct = Conexión directa, cifrada de extremo a extremo
presence-mailboxes = Sin conexión: lo que escribes se deja en sus buzones
presence-offline = Sin conexión: se enviará cuando ambos estéis en línea
presence-refused-address = Esta dirección no acepta solicitudes
presence-refused-link = El enlace ya no funciona
presence-waiting = Esperando respuesta
presence-asks = Pide que le añadas
blocked = Bloqueado
more = Más
safety-compare = Comparar el número de seguridad
group-about = Acerca del grupo
page-requests = Solicitudes de entrada
standing-asking = Esperando a que te dejen entrar
standing-invited = Te han invitado
standing-left = Has salido
standing-removed = Te han sacado
unpin = Dejar de fijar
pins-all = Todos los mensajes fijados
emoji = Emoji
composer-hint = Mensaje
send = Enviar
reply-cancel = No responder
forget = Olvidar…
somebody = Alguien
invited-stranger = No está entre tus contactos. Si aceptas, los miembros verán tu nombre y cuándo estás en línea.
accept = Aceptar
decline = Rechazar
decline-group-hint = Sales del grupo y se olvida aquí
key-search = Buscar chats
key-add = Añadir a alguien o entrar en un grupo
new-group = Nuevo grupo
key-mention = Mencionar a alguien: Arriba, Abajo, Intro
settings = Ajustes
key-next-chat = Chat anterior / siguiente
key-scroll = Desplazar los mensajes
key-latest = Último mensaje
key-send = Enviar / nueva línea
key-escape = Cerrar o dejar de responder
key-list = Esta lista
close = Cerrar
add-give = Da tu invitación
add-give-hint = Vale una vez y durante una semana. Envíala por un medio de confianza o deja que la escaneen.
add-qr = Tu invitación como código QR
copy-link = Copiar el enlace
add-new = Crear otra
add-making = Creando la invitación…
add-use = O usa la suya
add-hint = Pega un enlace de una persona o un grupo (kith:…) o una dirección (kith1…), o suelta aquí una imagen del código
add-address-hint = Verá que solo conoces su dirección. Este ordenador tardará unos segundos en hacer el trabajo.
add-greeting = Unas palabras para acompañarla (opcional)
add-ask = Pedir que me añadan
safety-title = Número de seguridad
safety-compared = Lo has comparado.
safety-revoke = Ya no
safety-same = Son iguales
copy = Copiar
trace-title = Tu mensaje
remove-follows = El contacto y todos los mensajes se borran de este ordenador. No se puede deshacer.
remove = Quitar
keep = Conservar
keyboard-title = Teclado
page-rules = Reglas
page-links = Enlaces de invitación
back-to-group = Volver al grupo
close-panel = Cerrar el panel
menu-invite = Invitar con enlace
menu-notify-all = Avisarme de cada mensaje
menu-notify-mentions = Solo cuando me mencionen
mute = Silenciar
menu-leave = Salir…
menu-forget = Olvidar con todos los mensajes…
stop-asking = Dejar de pedir
about-notify = Avisarme
about-change = Cambiar nombre y tema
name = Nombre
about-topic = De qué trata
save = Guardar
cancel = Cancelar
about-asking = No se sabe nada de este grupo hasta que alguien te deje entrar.
about-leave = Salir del grupo…
about-forget = Olvidar el grupo…
links-made = Envíalo por un medio de confianza o deja que lo escaneen. Cópialo ahora: no se volverá a mostrar.
links-qr = El enlace como código QR
links-another = Crear otro
links-what = Quien tenga el enlace puede pedir entrar y le deja pasar cualquier miembro que esté en línea.
come-as = Entran como
links-life = Vale durante
links-uses = Es para
links-approval-rule = Según las reglas del grupo, alguien debe aprobarlo cada vez.
links-approval = Alguien debe aprobarlo cada vez
links-make = Crear un enlace
links-open = Enlaces abiertos
links-none = Ninguno. Solo se entra si alguien te añade.
links-revoke = Anular este enlace
add-people = Añadir personas
members-search = Buscar miembros
member-this-device = este dispositivo
online = en línea
offline = sin conexión
member-write = Escribirle
copy-address = Copiar la dirección
step-down = Bajar de rango
change-role = Cambiar el rol
member-unmute = Quitar el silencio
member-remove = Sacar…
member-ban = Vetar…
for-an-hour = Durante una hora
for-a-day = Durante un día
for-a-week = Durante una semana
until-lifted = Hasta que se levante
group-name = Nombre del grupo
people-who = ¿Quién está? Otros pueden venir después.
people-choose = Elige entre tus contactos.
people-nobody = No se encontró a nadie.
people-no-contacts = Aún no tienes contactos. Puedes crear el grupo ahora e invitar con un enlace.
people-all-members = Todos tus contactos ya son miembros. Otros pueden entrar con un enlace.
people-make = Crear el grupo
people-add = Añadir
people-search = Buscar contactos
requests-none = Nadie pide entrar ahora.
requests-what = Tienen un enlace. Los nombres pueden ser inventados: deja entrar solo a quien esperes.
let-in = Dejar entrar
refuse = Rechazar
banned-none = No hay nadie vetado.
banned-what-may = No pueden volver con ningún enlace. Levantar el veto no los vuelve a añadir.
banned-what = No pueden volver con ningún enlace.
banned-lift = Levantar el veto
rule-post = Quién escribe mensajes
rule-invite = Quién añade personas y crea enlaces
rule-pin = Quién fija mensajes
rule-mention-all = Quién llama a todos con @all
rule-profile = Quién cambia el nombre y el tema
rule-files = Quién envía archivos
rule-calls = Quién inicia llamadas
rules-by-admins = Los administradores y propietarios fijan las reglas.
rules-what = El dispositivo de cada miembro cumple estas reglas. Una regla nueva vale desde ese momento.
rules-slow = Modo lento: la pausa entre dos mensajes
never = Nunca
rules-disappear = Los mensajes desaparecen en todas partes
rules-history = Qué ven los nuevos
rules-approve = A quien venga con un enlace hay que dejarle entrar
rules-save = Guardar las reglas
undo = Deshacer
rules-slow-short = La pausa entre dos mensajes
rules-let-in = Hay que dejarle entrar
rules-as-link-says = Según el enlace
rules-by-link = Quien venga con un enlace
rules-roles = Roles
receipts-title = Quién lo tiene
receipts-none = No había nadie más en el grupo cuando lo escribiste, o va de miembro en miembro.
receipts-read = Leído
receipts-delivered = Entregado
receipts-not-yet = Aún no
settings-name = Nombre
settings-status = Estado
settings-copy-address = Copiar mi dirección
settings-knocks = Quien conozca mi dirección puede pedir que le añada
settings-knocks-on = Quien tenga la dirección puede averiguar también cuál es tu dispositivo y qué buzones usas. Las solicitudes de desconocidos se marcan y les cuestan trabajo.
settings-knocks-off = Solo puede pedirlo quien reciba un enlace tuyo. Quien ya tenía tu dirección puede darse cuenta.
settings-look = Aspecto
look-system = Como el sistema
look-light = Claro
look-dark = Oscuro
passphrase-title = Frase de paso de este ordenador
passphrase-what = Protege tus mensajes en este ordenador. Nadie puede restablecerla.
passphrase-now = La frase actual; vacía si no hay ninguna
passphrase-remove = Quitar la protección
passphrase-new = Nueva frase de paso
passphrase-again = La misma otra vez
passphrase-change = Cambiar
settings-shortcuts = Atajos de teclado
connection-report-what = Un informe dice lo mismo, sin nombres, direcciones ni mensajes. Léelo antes de pasarlo.
connection-report = Guardar un informe
help-what = Este ordenador puede ser un buzón: guarda mensajes sellados para quien no está y se los entrega cuando vuelve. No puede leerlos. Ayuda más si está encendido todo el día.
help-whom = Para quién
help-contacts = Mis contactos
help-anybody = Cualquiera
help-contacts-what = Tus contactos lo encuentran solos mientras estén conectados contigo.
help-anybody-what = Los demás necesitan la dirección de abajo. Los desconocidos hacen antes un poco de trabajo.
help-how-much = Cuánto
help-on = Activar
help-off = Desactivar
help-address = Su dirección
show-code = Mostrar el código
copy-its-address = Copiar su dirección
nodes-what = Ayudan a tus dispositivos y a los de tus amigos a encontrarse. Ven cuándo estás en línea y desde dónde, nunca lo que escribes.
nodes-none = Ninguno todavía: a tus amigos se les busca en esta red y donde estuvieron por última vez.
nodes-remove = Quitar este nodo
nodes-add-label = Añadir uno: la línea que mostró, /ip4/…/p2p/…
nodes-add = Añadir el nodo
mailboxes-remove = No usar este buzón
mailboxes-add-label = Usar otro: la dirección de un nodo que guarde mensajes
mailboxes-voucher-label = Su vale, si te dieron uno
mailboxes-add = Usar este buzón
code-hint = O suelta o pega aquí una imagen del código.
address-qr = La dirección como código QR
hide-code = Ocultar el código
chats-title = Chats
nothing-found = No se encontró nada
search-hint = Buscar  Ctrl+K
request-stranger = Un desconocido: solo sabe tu dirección, como puede saberla cualquiera, y el nombre puede ser inventado. Acepta solo a quien esperes.
decline-stranger-hint = No se le avisa y no puede volver a pedirlo por tu dirección
decline-hint = No se le avisa y puede volver a pedirlo
block = Bloquear
contact-unblock = Desbloquear
contact-remove = Quitar con todos los mensajes…
preview-disappearing = Mensaje temporal
preview-refused = Nadie acepta la solicitud
preview-requested = Solicitud enviada, sin respuesta
preview-hello = Saluda
empty-group-hint = Saluda. Solo los miembros pueden leerlo.
empty-chat-hint = Saluda. Solo vosotros dos podéis leerlo.
no-messages = Aún no hay mensajes
jump-latest = Ir al último mensaje
quote-earlier = Mensaje anterior
menu-answer = Responder
menu-copy = Copiar el texto
menu-pin = Fijar para todos
menu-delete-for-all = Borrar para todos…
menu-trace = Qué ha pasado con él
gap = Aquí faltan mensajes que otros tienen
welcome-what = Tus mensajes están en tus dispositivos y en ningún otro sitio. Sin número de teléfono, sin cuenta en ninguna empresa.
welcome-title = Te damos la bienvenida a Kith
welcome-name = Tu nombre, como lo verán tus amigos
welcome-returning = Tengo una frase de recuperación
welcome-words = Las 24 palabras, en orden
welcome-returning-what = Tu cuenta pasa a este dispositivo. Los contactos y mensajes estaban en el perdido: tus contactos verán que eres tú en cuanto os añadáis de nuevo.
welcome-protect = Proteger mis mensajes en este ordenador con una frase de paso
passphrase = Frase de paso
welcome-protect-what = Nadie puede restablecerla: sin ella, los mensajes de este ordenador quedan cerrados.
welcome-start = Empezar
welcome-making = Creando tus claves…
phrase-check = Una comprobación
phrase-check-what = Escribe una de las palabras de tu papel.
continue = Continuar
phrase-again = Ver las palabras otra vez
phrase-what = Escribe estas 24 palabras en papel, en orden. Son la única forma de volver a ser tú si pierdes este ordenador. Solo se muestran esta vez.
phrase-title = Tu frase de recuperación
phrase-kept = Ya las he apuntado
locked-title = Kith está bloqueado
locked-what = Introduce la frase de paso de este ordenador.
unlock = Desbloquear
state-queued = espera una conexión
state-sent = enviado
state-stored = espera aquí: lo que prometieron sus buzones ha caducado
state-promised =
    {$count} de sus {$of} buzones { $count ->
       [one] ha
      *[other] han
    } prometido guardarlo hasta el {$day}
state-delivered = entregado
state-read = leído
state-failed = no entregado: este contacto está bloqueado

## Failures

node-stopped = Kith se ha detenido. Ábrelo de nuevo primero.
fail-message-gone = Este mensaje ya no existe.
fail-contact-gone = Este contacto ya no existe.
fail-not-written = No se pudo escribir el archivo: {$why}
fail-no-code = No hay ningún código de Kith en esta imagen: prueba con una más nítida.
fail-not-kept = No se pudo guardar este ajuste: {$why}
fail-no-account = Aún no hay ninguna cuenta en esta carpeta.
fail-has-account = Esta carpeta ya tiene una cuenta.
fail-locked = Esta cuenta está bloqueada: desbloquéala antes con su frase de paso.
fail-bad-phrase = No son las 24 palabras de una frase de recuperación: busca una que falte, esté cambiada o mal escrita.
fail-wrong-passphrase = Esa no es la frase de paso. Compruébala e inténtalo de nuevo.
fail-disk-full = No queda sitio en el disco: libera algo e inténtalo de nuevo.
fail-in-use = Otro Kith está usando esta carpeta. Ciérralo primero.
fail-bad-node-address = No es la dirección de un nodo: copia toda la línea que mostró, /ip4/…/p2p/…
fail-bad-size = Un buzón tiene al menos 64 MiB y como mucho 1 TiB.
fail-damaged = Los datos de esta cuenta están dañados: restaura la carpeta desde una copia. ({$why})
fail-other = No ha funcionado: {$why}
fail-damaged-address = Hay un error en esta dirección o le falta una parte: cópiala de nuevo.
fail-damaged-link = Este enlace está dañado o es demasiado nuevo para esta versión: pide de nuevo el enlace completo.
fail-no-link = No es ni un enlace ni una dirección: un enlace empieza por kith: y una dirección por kith1.
fail-too-long = Este texto es demasiado largo: caben como mucho {$limit} bytes.
fail-empty-name = Un nombre necesita al menos un carácter visible.
fail-empty-message = Escribe algo primero.
fail-unknown-chat = Ese chat no existe.
fail-unknown-invite = Esa invitación no existe o ya se usó.
fail-own-invite = Es tu propia invitación: dásela a otra persona.
fail-own-address = Es tu propia dirección: dásela a otra persona.
fail-not-found-yet = Aún no se ha encontrado a esta persona: escribe otra vez en un minuto.
fail-already-asked = Ya se lo has pedido a esta persona: espera la respuesta o usa un enlace.
fail-invite-useless = Esta invitación no dice dónde preguntar: consigue una nueva.
fail-invite-forged = Esta invitación no es auténtica: nombra un dispositivo de otro de tus contactos.
fail-invite-expired = Esta invitación ha caducado: pide una nueva.
fail-already-contact = Esta persona ya es un contacto.
fail-blocked = Este contacto está bloqueado: desbloquéalo primero.
fail-not-requested = Esta persona no ha pedido que la añadas o ya está aceptada.
fail-not-accepted = Acepta antes de escribir.
fail-outbox-full = Hay demasiados mensajes esperando para este contacto: inténtalo cuando se hayan entregado algunos.
fail-no-address = Este dispositivo aún no tiene dirección de red: espera un momento e inténtalo de nuevo.
fail-own-mailbox = Es este mismo dispositivo: su correo lo tiene que guardar otro.
fail-unknown-mailbox = No es ninguno de tus buzones.
fail-unknown-bootstrap = No es ninguno de tus nodos.
fail-too-many = Ya hay demasiados: quita uno primero.
fail-slow-mode =
    Este grupo está en modo lento: el próximo mensaje podrá salir en { $secs ->
       [one] 1 segundo
      *[other] {$secs} segundos
    }.
fail-unknown-group = Ese grupo no existe.
fail-not-in-group = No eres miembro de este grupo.
fail-still-member = Eres miembro de este grupo: sal primero.
fail-cannot-add = No se puede añadir a esta persona: solo a tus contactos.
fail-may-not-post = Ahora no puedes escribir en este grupo.
fail-no-such-request = Esta persona ya no pide entrar.
fail-no-directory = Este grupo no es un directorio de salas.
fail-not-public = Este grupo no es una sala pública o aún no tiene enlace.
fail-not-listed = No has publicado esta sala ahí.
fail-not-answered = Aún no han respondido a tu solicitud: escribe cuando lo hagan.
fail-role-too-low = Tu rol en este grupo no lo permite.
fail-not-outranked = Solo puede hacerlo alguien de mayor rango o que llegó antes.
fail-role-too-high = No puedes dar un rol que no esté por debajo del tuyo.
fail-already-member = Esta persona ya es miembro.
fail-no-such-member = Esta persona no es miembro del grupo.
fail-banned = Esta persona está vetada: levanta antes el veto.
fail-not-banned = Esta persona no está vetada.
fail-group-full = Este grupo está lleno.
fail-no-such-link = Ese enlace no existe o se anuló.
fail-link-used-up = Este enlace está agotado.
fail-oneself = No puedes hacértelo a ti mismo.

## Toasts

toast-copied = Copiado
toast-saved = Guardado como {$path}
toast-report-saved = Guardado como {$path}. No nombra a nadie.
toast-passphrase-changed = La frase de paso se ha cambiado
toast-profile-saved = Perfil guardado
toast-reported = Denunciado. Solo lo ven los moderadores.
toast-request-written = Solicitud escrita: se enviará en cuanto se le pueda localizar
toast-busy = El nodo está ocupado: inténtalo en un momento
toast-asking-ended = Ya no pides entrar en ese grupo: lo dejaste, o el enlace se agotó, se anuló o caducó
toast-group-made = El grupo está creado
toast-added = Añadido
toast-asked = Solicitud hecha: entrarás en cuanto alguien te deje pasar

## Account

passphrase-differ = Las dos frases no coinciden.
passphrase-short = Una frase de paso necesita al menos ocho caracteres; mejor cuatro palabras al azar.
passphrase-new-differ = Las dos frases nuevas no coinciden.
passphrase-leave-empty = Deja vacía la nueva frase para quitar la protección.
passphrase-enter-new = Introduce una frase nueva o elige quitar la protección.
phrase-wrong-word = Esa no es la palabra: mira otra vez tu papel.
phrase-word = Palabra {$number}

## Times

today = Hoy
yesterday = Ayer
today-within = hoy
yesterday-within = ayer
tomorrow-at = mañana a las {$clock}
day-at = {$day} a las {$clock}
date = {$day} de {$month}
date-year = {$day} de {$month} de {$year}
date-short = {$day} {$month}
thursday = jueves
friday = viernes
saturday = sábado
sunday = domingo
monday = lunes
tuesday = martes
wednesday = miércoles
thursday-short = jue
friday-short = vie
saturday-short = sáb
sunday-short = dom
monday-short = lun
tuesday-short = mar
wednesday-short = mié
january = enero
february = febrero
march = marzo
april = abril
may = mayo
june = junio
july = julio
august = agosto
september = septiembre
october = octubre
november = noviembre
december = diciembre
january-short = ene
february-short = feb
march-short = mar
april-short = abr
may-short = may
june-short = jun
july-short = jul
august-short = ago
september-short = sep
october-short = oct
november-short = nov
december-short = dic
off = Desactivado
weeks =
    { $count ->
       [one] 1 semana
      *[other] {$count} semanas
    }
days =
    { $count ->
       [one] 1 día
      *[other] {$count} días
    }
hours =
    { $count ->
       [one] 1 hora
      *[other] {$count} horas
    }
minutes =
    { $count ->
       [one] 1 minuto
      *[other] {$count} minutos
    }
seconds =
    { $count ->
       [one] 1 segundo
      *[other] {$count} segundos
    }
after = Tras {$stretch}

## Adding

add-link-missing = Pega el enlace que te dieron.
safety-what = Compara estos dígitos con los que ve {$name}, de viva voz o lado a lado. Si son iguales, no hay nadie en medio.
trace-written = Escrito {$day} a las {$clock}.
remove-title = ¿Quitar a {$name}?
request-asks = {$name} pide que le añadas

## Groups: roles

role-observer = Observador
role-member = Miembro
role-moderator = Moderador
role-admin = Administrador
role-owner = Propietario
role-observer-means = solo lee
role-member-means = participa
role-moderator-means = mantiene el orden
role-admin-means = fija roles y reglas
role-owner-means = puede hacerlo todo
from-observer = Todos
from-member = De miembro en adelante
from-moderator = De moderador en adelante
from-admin = Administradores y propietarios
from-owner = Solo propietarios
about-your-role =
    { $role ->
     [observer] Eres observador
    *[member] Eres miembro
     [moderator] Eres moderador
     [admin] Eres administrador
     [owner] Eres propietario
 }
about-made-within = creado {$day}
about-made = Creado {$day}
about-version = Kith {$version}

## Groups: what they say

preview-disappearing-by = {$name}: mensaje temporal
preview-said-by = {$name}: {$text}
preview-draft = Borrador: {$text}
preview-you = Tú: {$text}
hidden-preview = Oculto por tu filtro
members =
    { $count ->
       [one] 1 miembro
      *[other] {$count} miembros
    }
members-online =
    { $count ->
       [one] 1 miembro
      *[other] {$count} miembros
    }, {$online} en línea
group-asked-for = Un grupo en el que pides entrar
group-without-name = Un grupo sin nombre
silence-asking = Nadie te ha dejado entrar todavía. Se sigue intentando cuando estés en línea.
silence-invited = Acepta la invitación para escribir aquí.
silence-left = Has salido de este grupo. Lo dicho sigue aquí para leerlo.
silence-removed = Te han sacado de este grupo. Lo dicho sigue aquí para leerlo.
silence-observer = Eres observador en este grupo: puedes leer, no escribir.
silence-muted = Estás silenciado en este grupo hasta que alguien lo levante.
silence-muted-until = Estás silenciado en este grupo hasta {$until}.
member-muted = silenciado
member-muted-until = silenciado hasta {$until}
member-you = {$name} (tú)
notify-all = Cada mensaje
notify-nothing = Nada
history-nothing = Nada de antes de llegar
history-last =
    { $count ->
       [one] El último mensaje
      *[other] Los últimos {$count} mensajes
    }
history-everything = Todo lo que los miembros aún tienen
people-chosen =
    { $count ->
       [one] 1 persona elegida
      *[other] {$count} personas elegidas
    }
pins-count =
    { $count ->
       [one] Fijado
      *[other] {$count} fijados
    }
pins-go = Ir al mensaje fijado de {$name}: {$text}
bar-asking =
    { $count ->
       [one] 1 solicitud
      *[other] {$count} solicitudes
    }
bar-reports =
    { $count ->
       [one] 1 denuncia
      *[other] {$count} denuncias
    }
bar-rooms = Salas
group-about-named = Acerca de {$name}
reply-to-yourself = Respuesta a ti mismo
reply-to = Respuesta a {$name}
mention = Mencionar a {$name}
mention-everybody =
    todos, { $count ->
       [one] 1 miembro
      *[other] {$count} miembros
    }
invited-added = {$name} te ha añadido a este grupo
invited-to = Te invitan a «{$name}»
invited-by = {$name}, que no está entre tus contactos
pending-asking = Has pedido entrar: {$name}
pending-asked = Un miembro tiene tu solicitud. Entrarás en cuanto alguien te deje pasar.
pending-looking = Buscando un miembro que esté en línea. Puede tardar; mientras tanto puedes cerrar Kith.
unread-divider =
    { $count ->
       [one] 1 mensaje nuevo
      *[other] {$count} mensajes nuevos
    }
row-unread = , {$count} sin leer
row-mentioned = , te mencionan
row-asking = , {$count} piden entrar
row-reports =
    , { $count ->
       [one] 1 denuncia
      *[other] {$count} denuncias
    }
disappears = temporal
slow-mode = Modo lento: un mensaje por {$every}. El siguiente, en {$left}.
hidden-by-filter = Oculto por tu filtro
hidden-show = Mostrar
menu-report = Denunciar…
menu-open-link = Abrir {$host}

## Links into groups

link-no-end = Sin fin
link-any-number = Cualquier número
people =
    { $count ->
       [one] 1 persona
      *[other] {$count} personas
    }
link-unused = Nadie ha entrado aún con él
link-used =
    { $count ->
       [one] 1 entró
      *[other] {$count} entraron
    } con él
link-used-of = {$used} de {$count} entraron con él
link-endless = sin fin
link-expired = caducado
link-until = hasta {$until}
link-approval = alguien debe aprobarlo
link-by-you = tuyo
link-by = de {$name}

## Receipts

receipt-read = lo ha leído
receipt-delivered = lo tiene
receipt-stored = sus buzones prometieron guardarlo
receipt-sent = en camino
receipt-queued = espera una conexión
receipt-failed = no entregado
reached-all = leído por todos
reached-none = aún no entregado
reached-delivered = entregado a {$count} de {$of}
reached-read = leído por {$count} de {$of}

## Questions

doubt-remove = ¿Sacar a {$who} de «{$name}»?
doubt-remove-follows = {$who} no leerá nada nuevo desde entonces y conserva lo dicho. Se le puede volver a añadir.
doubt-ban = ¿Vetar a {$who} en «{$name}»?
doubt-ban-follows = {$who} sale y no puede volver con ningún enlace hasta que se levante el veto.
doubt-ban-do = Vetar
doubt-owner = ¿Hacer a {$who} propietario de «{$name}»?
doubt-owner-follows = {$who} podrá hacerlo todo, también nombrar a otros propietarios. Solo los propietarios más antiguos pueden retirarlo.
doubt-owner-do = Hacer propietario
doubt-step-down-follows = No puedes recuperar tu rol tú mismo: te lo tiene que dar alguien de mayor rango.
doubt-revoke = ¿Anular el enlace?
doubt-revoke-follows = Nadie más entra con él. Quien entró con él se queda.
doubt-revoke-do = Anular
doubt-delete = ¿Borrar este mensaje para todos?
doubt-delete-follows = Desaparece para cada miembro en cuanto su dispositivo se entera. Queda visible que alguien borró un mensaje.
doubt-delete-do = Borrar
doubt-take-out = ¿Quitar esta sala del directorio?
doubt-take-out-follows = Los miembros ya no la encontrarán aquí. Quien la publicó puede volver a publicarla.
doubt-take-out-do = Quitar
doubt-leave = ¿Salir de «{$name}»?
doubt-leave-follows = No leerás nada nuevo desde entonces. Para volver, alguien tiene que añadirte o darte un enlace.
doubt-leave-do = Salir
doubt-forget = ¿Olvidar «{$name}»?
doubt-forget-follows = El grupo y todos sus mensajes se borran de este ordenador. No se puede deshacer.
doubt-forget-do = Olvidar

## What happened

line-created =
    { $side ->
       [by-you] Creaste el grupo «{$name}»
      *[other] {$by} creó el grupo «{$name}»
    }
line-left =
    { $side ->
       [by-you] Saliste
      *[other] {$by} salió
    }
line-profile =
    { $side ->
       [by-you] Cambiaste el perfil del grupo «{$name}»
      *[other] {$by} cambió el perfil del grupo «{$name}»
    }
line-policy =
    { $side ->
       [by-you] Cambiaste las reglas
      *[other] {$by} cambió las reglas
    }
line-link-made =
    { $side ->
       [by-you] Creaste un enlace al grupo
      *[other] {$by} creó un enlace al grupo
    }
line-link-revoked =
    { $side ->
       [by-you] Anulaste un enlace al grupo
      *[other] {$by} anuló un enlace al grupo
    }
line-pinned =
    { $side ->
       [by-you] Fijaste un mensaje
      *[other] {$by} fijó un mensaje
    }
line-unpinned =
    { $side ->
       [by-you] Dejaste de fijar un mensaje
      *[other] {$by} dejó de fijar un mensaje
    }
line-deleted =
    { $side ->
       [by-you] Borraste un mensaje para todos
      *[other] {$by} borró un mensaje para todos
    }
line-added =
    { $side ->
       [by-you] Añadiste a {$whom}
       [to-you] {$by} te añadió
      *[other] {$by} añadió a {$whom}
    }
line-joined =
    { $side ->
       [by-you] {$whom} entró con un enlace; le dejaste pasar tú
       [to-you] Entraste con un enlace; te dejó pasar {$by}
      *[other] {$whom} entró con un enlace; le dejó pasar {$by}
    }
line-removed =
    { $side ->
       [by-you] Sacaste a {$whom}
       [to-you] {$by} te sacó
      *[other] {$by} sacó a {$whom}
    }
line-banned =
    { $side ->
       [by-you] Vetaste a {$whom}
       [to-you] {$by} te vetó
      *[other] {$by} vetó a {$whom}
    }
line-unbanned =
    { $side ->
       [by-you] Permites que {$whom} vuelva
       [to-you] {$by} permite que vuelvas
      *[other] {$by} permite que {$whom} vuelva
    }
line-unmuted =
    { $side ->
       [by-you] Quitaste el silencio a {$whom}
       [to-you] {$by} te quitó el silencio
      *[other] {$by} quitó el silencio a {$whom}
    }
line-muted =
    { $side ->
       [by-you] Silenciaste a {$whom} indefinidamente
       [to-you] {$by} te silenció indefinidamente
      *[other] {$by} silenció a {$whom} indefinidamente
    }
line-muted-until =
    { $side ->
       [by-you] Silenciaste a {$whom} hasta {$until}
       [to-you] {$by} te silenció hasta {$until}
      *[other] {$by} silenció a {$whom} hasta {$until}
    }
you-object = ti
line-dropped =
    { $count ->
       [one] Se descartó un mensaje escrito después.
      *[other] Se descartaron {$count} mensajes escritos después.
    }

## Network

network-none = Sin red
network-online =
    { $count ->
       [one] 1 contacto en línea
      *[other] {$count} contactos en línea
    }
network-seeks-node = Buscando un nodo comunitario…
network-seeks = Buscando a tus contactos…
network-ready = Listo
network-facts =
    { $peers ->
       [one] 1 par
      *[other] {$peers} pares
    }, {$up} de {$nodes} nodos comunitarios, {$dht} en el directorio de dispositivos
mailbox-refused = No te acepta: quizá su dueño tenga que añadirte antes como contacto.
mailbox-refused-places = Abre menos sitios para tus contactos de los que se le piden.
mailbox-refused-work = Pide más cálculo del que hace este equipo: demasiados quieren un sitio allí.
mailbox-refused-much = Ahora no te acepta: se le pidió demasiado desde tu red. Se le volverá a preguntar.
mailbox-refused-full = Está lleno y no te acepta; se le volverá a preguntar en un día.
mailbox-refused-unknown = No te acepta sin vale: pide uno a quien lo lleva y añádelo de nuevo con él.
mailbox-refused-voucher = No acepta tu vale: pregunta por la palabra que vale ahora.
mailbox-closing = Se está cerrando; se recoge lo que contiene.
mailbox-good = Tiene un sitio para tus mensajes y responde.
mailbox-away = Tiene un sitio para tus mensajes; ahora no responde.
mailbox-asked = Se le está preguntando.
mailbox-chosen = Elegido por ti
mailbox-found = Encontrado solo
mailbox-without =
    { $count ->
       [one] un contacto no tiene sitio allí
      *[other] {$count} contactos no tienen sitio allí
    }
mailbox-since = desde {$day}
mailbox-last = último mensaje {$when}
mailbox-free = {$size} libres
mailboxes-none = Aún no hay ningún buzón que guarde mensajes para ti. Mientras no estás, esperan con quien los escribió. Añade un nodo comunitario o pide a un amigo que active «Ayudar a otros».
mailboxes-some =
    { $count ->
       [one] Un buzón tiene un sitio para tus mensajes; ahora responde {$answer} de 1. Mejor tres: pueden fallar dos.
      *[other] {$count} buzones tienen un sitio para tus mensajes; ahora { $answer ->
           [one] responde
          *[other] responden
        } {$answer}. Lo que se deja allí está sellado.
    }
node-connected = Está conectado.
node-silent = Ahora no responde.
node-relays = otros te alcanzan a través de él
node-mailbox = tiene un sitio para tus mensajes
node-named = indicado solo para este inicio
place = {$host}, puerto {$port}
helping-problem = Ahora no se guarda nada: {$why}. Se vuelve a intentar solo.
helping-people =
    { $count ->
       [one] una persona
      *[other] unas {$count} personas
    }
helping-messages =
    { $count ->
       [one] Un mensaje espera aquí
      *[other] {$count} mensajes esperan aquí
    }
helping-contacts = Este ordenador guarda mensajes sellados para tus contactos.
helping-anybody = Este ordenador guarda mensajes sellados para quien lo pida.
helping-contacts-since = Este ordenador guarda mensajes sellados para tus contactos desde {$day}.
helping-anybody-since = Este ordenador guarda mensajes sellados para quien lo pida desde {$day}.
helping-nobody = Aún nadie tiene un buzón aquí.
helping-holds = {$messages}, {$size} en total, para {$people}.
helping-gives-until = {$messages}, {$size} en total. Se sigue entregando a quien venga, hasta {$day} como mucho.
helping-gives = {$messages}, {$size} en total. Se sigue entregando a quien venga.
helping-closing = Está desactivado: no se admite nada nuevo.
helping-off = Este ordenador no guarda nada para otros.
help-at-most = {$size} como mucho

## Notifications

notice-title-many = {$name} ({$count} nuevos)
notice-wrote = {$name} ha escrito
notice-new-message = Mensaje nuevo
notice-request = Abre Kith para aceptar o rechazar.
notices-what = Cuando llega un mensaje
notices-text = Mostrar quién escribió y qué
notices-name = Mostrar solo quién escribió
notices-nothing = No mostrar nada
notices-rules = No llega ninguna del chat que estás mirando. En los grupos vale lo que elegiste en cada uno: todos los mensajes, solo menciones o nada.
notices-lock-screen = Lo que se muestra lo pueden leer otros en la pantalla bloqueada, y algunos sistemas lo guardan.

## Settings

settings-page-general = General
settings-page-notices = Notificaciones
settings-page-filters = Filtros y bloqueos
settings-page-nodes = Nodos
settings-page-mailboxes = Buzones
settings-page-help = Ayudar a otros
settings-page-connection = Conexión
settings-this-device = Este dispositivo
settings-language = Idioma
settings-language-system = Como el sistema
filters-title = Palabras que no quieres leer
filters-what = Un mensaje de otros con una de estas palabras se oculta tras una línea, y un clic lo muestra. No se borra nada y nadie se entera. Cuentan palabras enteras, en mayúsculas o minúsculas.
filters-add-label = Añadir palabras
filters-add = Ocultar
filters-hint = Una o varias, separadas por comas
filters-none = Ninguna: lo lees todo.
filters-remove = Dejar de ocultar «{$word}»
blocks-title =
    { $count ->
       [one] 1 persona bloqueada
      *[other] {$count} personas bloqueadas
    }
blocks-what = No pueden escribirte ni ver cuándo estás en línea. No se les avisa.
blocks-copy = Copiar como lista
blocks-save = Guardar como archivo
blocks-import-title = Usar la lista de otra persona
blocks-import-what = Primero verás a cuántos bloquearía. No se bloquea a nadie antes de que lo digas.
blocks-import-hint = Pega la lista o suelta aquí el archivo
blocks-look = Ver la lista
blocks-no-list = No es una lista de personas bloqueadas o tiene un error. No se ha bloqueado a nadie.
blocks-preview =
    { $count ->
       [one] Bloquearía a 1 persona.
      *[other] Bloquearía a {$count} personas.
    }
blocks-preview-known =
    { $count ->
       [one] 1 ya está bloqueada.
      *[other] {$count} ya están bloqueadas.
    }
blocks-preview-contacts =
    { $count ->
       [one] 1 está entre tus contactos.
      *[other] {$count} están entre tus contactos.
    }
blocks-preview-own = Tú también estás en ella; se pasa por alto.
blocks-import =
    { $count ->
       [one] Bloquear a 1 persona
      *[other] Bloquear a {$count} personas
    }

## Public rooms

kind-private = Grupo privado
kind-private-means = Solo entra quien sea añadido o reciba un enlace. Los nuevos no ven nada de antes.
kind-room = Sala pública
kind-room-means = Cualquiera que tenga el enlace puede entrar y leer lo dicho. No escribas nada que deba seguir en secreto.
kind-directory = Directorio de salas
kind-directory-means = Una sala pública cuyos miembros publican otras salas para que la gente las encuentre.
kind-coming-in = Entrada
kind-by-work = Cualquiera, tras unos segundos de trabajo del ordenador
kind-by-approval = Alguien debe dejar entrar a cada uno
kind-link-follows = Tendrás su enlace en cuanto esté creada.
kind-newcomers = Al principio, los nuevos
kind-write-at-once = Pueden escribir enseguida
kind-observers-first = Solo leen, hasta que se les haga miembros
rules-openness = Apertura
rules-public = Sala pública
rules-public-means = Tiene un enlace que cualquier miembro puede pasar.
rules-observers-first = Los nuevos al principio solo leen
rules-observers-first-means = Entran como observadores hasta que alguien les haga miembros.
rules-directory = Directorio de salas
rules-directory-means = Los miembros pueden publicar salas en él.
links-public = El enlace de esta sala
links-public-none = Aún no hay: tiene que crearlo un moderador.
links-public-what = Cualquiera puede entrar con él. Pásalo donde quieras.
links-public-approval = Cualquiera puede pedir entrar con él y alguien le deja pasar. Pásalo donde quieras.
links-list-room = Publicarla en un directorio
page-banned = Vetados y silenciados
page-listings = En directorios
page-reports = Denuncias
directory-rooms = Salas de este directorio
muted-title = Silenciados
muted-none = No hay nadie silenciado.
banned-title = Vetados
listings-what = Los miembros de un directorio encuentran ahí esta sala por su nombre, su tema y estas palabras. Lo que digas aquí se muestra con tu nombre.
listings-no-directories = Aún no estás en ningún directorio. Pega el enlace de uno para entrar.
listings-language = Idioma, como es o pt-BR (opcional)
listings-tags = Palabras por las que se encuentra, ocho como mucho (opcional)
listings-directories = Tus directorios
listings-by-you = Publicada por ti {$day}
listings-by = Publicada por {$name}
listings-not = Sin publicar
listings-may-not = No puedes escribir ahí, así que tampoco publicar salas.
listings-renew = Publicar de nuevo
listings-publish = Publicar la sala
listings-unpublish = Quitar
discover-title = Descubrir salas
discover-search = Buscar por nombre, tema, idioma o etiqueta
discover-all-directories = Todos los directorios
discover-found =
    { $count ->
       [one] 1 sala
      *[other] {$count} salas
    }
discover-no-directories = Aún no estás en ningún directorio
discover-what-directories-are = Las salas se encuentran en directorios: grupos cuyos miembros publican salas. Pega el enlace de un directorio que te hayan dado y sus salas aparecerán aquí. Se busca en tu propio ordenador; nadie sabe qué buscas.
discover-paste-link = Pegar un enlace
discover-make-directory = Crear un directorio
discover-empty = Aún no hay salas publicadas
discover-empty-hint = Publica una de tus salas desde su panel.
discover-nothing-hint = Prueba con otras palabras o con menos.
room-listed = Publicada por {$name} en {$directory}, {$day}
room-listed-by-you = Publicada por ti en {$directory}, {$day}
room-take-out = Quitar del directorio…
room-join = Entrar…
room-open = Abrir
room-asking = Solicitado
join-title = Entrar en un grupo
join-ask = Pedir entrar
join-unnamed = Un grupo o una sala pública
join-unnamed-hint = Sabrás su nombre en cuanto alguien te deje entrar.
join-inside = Ya estás en este grupo.
join-asking = Ya estás pidiendo entrar.
join-hosts =
    { $count ->
       [one] Se pregunta a un miembro y se buscan más.
      *[other] Se pregunta a {$count} miembros y se buscan más.
    }
join-seen = Los miembros ven tu nombre y cuándo estás en línea.
join-approval = Entras en cuanto un miembro te deje pasar; en algunos grupos alguien tiene que aprobarlo antes.
join-work = Tu ordenador trabaja unos segundos, lo que frena a quien quiera entrar mil veces.

## Reports

report-title = Denunciar este mensaje
report-why = ¿Qué tiene de malo?
report-why-spam = Publicidad o spam
report-why-abuse = Insultos, amenazas u odio
report-why-rules = Contra las reglas del grupo
report-why-law = Contra la ley
report-why-other = Otra cosa
report-words = Más detalles (opcional)
report-words-needed = ¿De qué se trata?
report-told = Solo será visible para {$names}: el mensaje, tu motivo y que viene de ti. A {$author} no se le avisa.
report-told-author = {$author} también es moderador y lo verá.
report-told-more =
    Solo será visible para {$names} y { $count ->
       [one] 1 moderador más
      *[other] {$count} moderadores más
    }: el mensaje, tu motivo y que viene de ti. A {$author} no se le avisa.
report-send = Denunciar
reports-none = Sin denuncias
reports-none-hint = Lo que denuncien los miembros aparece aquí, para los moderadores.
reports-what = Solo lo ven los moderadores. El texto está tal como lo firmó su autor.
reports-by = Denunciado por {$name}, {$when}
reports-no-reason = Sin motivo
reports-go = Ir al mensaje
reports-member = {$name}…
reports-dismiss = Descartar
reports-dismiss-hint = Olvida la denuncia en este dispositivo; el mensaje se queda
reports-author-gone = Quien lo escribió ya no es miembro.

## What became of a message

trace-read = Lo ha leído.
trace-delivered = Está en uno de sus dispositivos.
trace-failed = Ya no se envía y nadie ha confirmado tenerlo.
trace-kept =
    {$count} de sus {$of} buzones { $count ->
       [one] ha
      *[other] han
    } prometido guardarlo hasta el {$day}.
trace-not-kept = Espera aquí: ya no vale ninguna promesa de sus buzones conocidos.
trace-sent = Se envió; su dispositivo aún no lo ha confirmado.
trace-no-mailbox = Espera aquí a que ambos estéis en línea: no se le conoce ningún buzón.
trace-waits = Espera aquí: todavía no lo ha aceptado ningún dispositivo ni buzón suyo.
trace-mailbox-keeps = El buzón {$number} ha prometido guardarlo hasta el {$day}.
trace-confirmed = Su dispositivo confirmó tenerlo, {$ago}.
trace-confirmed-once = Su dispositivo confirmó tenerlo; no se recuerda cuándo.
trace-was-read = Se leyó {$ago}.
trace-untried = Aún no se ha intentado nada desde que se inició este dispositivo.
trace-dial = Búsqueda de su dispositivo
trace-direct = Enviado por conexión directa
trace-relayed = Enviado a través de un repetidor
trace-left = Dejado en {$place}
trace-not-left = No dejado en {$place}
trace-end-nobody = nadie respondió en ninguna dirección
trace-end-silent = no respondió
trace-end-sent = en camino; solo un acuse dirá que llegó
trace-end-broken = la conexión terminó antes del acuse
trace-end-kept = prometió guardarlo
trace-end-no-place = no hay ahí un sitio abierto para ti
trace-end-no-room = no tenía sitio para más de ti: lo que dejaste antes sigue allí, o llegó demasiado a la vez
trace-end-full = está lleno
trace-end-closing = cierra y ya no acepta nada
trace-end-work = pide más cálculo del que hace este dispositivo
trace-end-refused = dijo que no
trace-once = {$way}, {$ago}: {$end}.
trace-times = {$way}, {$count} veces, la última {$ago}: {$end}.
trace-last = {$way}, la última vez {$ago}: {$end}.
trace-next-dial-now = Se está buscando su dispositivo.
trace-next-dial = Se volverá a buscar su dispositivo {$when}: la pausa crece mientras nadie responda.
trace-next-now = Se deja en {$place} {$when}.
trace-next-refused = Se volverá a dejar en {$place} {$when}, la pausa tras un no.
trace-next-no-room = Se volverá a dejar en {$place} {$when}, o en cuanto pase por allí y haga sitio.
trace-next-renewal = Se volverá a dejar en {$place} {$when}, antes de que acabe lo prometido.
trace-next-silent = Se dejará en {$place} {$when}: no respondió, y la pausa crece cada vez.
trace-next-receipt = Se pedirá un acuse {$when}, si no llega antes.
trace-next-here = Va por la conexión que hay ahora.
trace-a-mailbox = un buzón
trace-old-mailbox = un buzón que usaba antes
trace-mailbox = el buzón {$number}
just-now = ahora mismo
ago-seconds =
    hace { $count ->
       [one] 1 segundo
      *[other] {$count} segundos
    }
ago-minutes =
    hace { $count ->
       [one] 1 minuto
      *[other] {$count} minutos
    }
ago-hours =
    hace { $count ->
       [one] 1 hora
      *[other] {$count} horas
    }
ago-days =
    hace { $count ->
       [one] 1 día
      *[other] {$count} días
    }
now = ahora
in-seconds =
    en { $count ->
       [one] 1 segundo
      *[other] {$count} segundos
    }
in-minutes =
    en { $count ->
       [one] 1 minuto
      *[other] {$count} minutos
    }
in-hours =
    en { $count ->
       [one] 1 hora
      *[other] {$count} horas
    }
in-days =
    en { $count ->
       [one] 1 día
      *[other] {$count} días
    }
verdict-good = Todo está bien.
verdict-unknown =
    Todo está bien, por lo que se sabe; { $count ->
       [one] falta medir una cosa
      *[other] faltan {$count} cosas por medir
    }.
verdict-bad =
    { $count ->
       [one] Una cosa necesita tu atención.
      *[other] {$count} cosas necesitan tu atención.
    }
link-for =
    { $role ->
     [observer] Para un nuevo observador
    *[member] Para un nuevo miembro
     [moderator] Para un nuevo moderador
     [admin] Para un nuevo administrador
     [owner] Para un nuevo propietario
 }
doubt-step-down =
    { $role ->
     [observer] ¿Pasar a observador?
    *[member] ¿Pasar a miembro?
     [moderator] ¿Pasar a moderador?
     [admin] ¿Pasar a administrador?
     [owner] ¿Bajar de rango?
 }
silence-only-from =
    { $role ->
     [observer] En este grupo escriben todos.
    *[member] En este grupo escriben los miembros y quienes están por encima.
     [moderator] En este grupo solo escriben moderadores, administradores y propietarios.
     [admin] En este grupo solo escriben administradores y propietarios.
     [owner] En este grupo solo escriben los propietarios.
 }
line-role =
    { $side ->
       [by-you] { $role ->
           [observer] Hiciste a {$whom} observador
          *[member] Hiciste a {$whom} miembro
           [moderator] Hiciste a {$whom} moderador
           [admin] Hiciste a {$whom} administrador
           [owner] Hiciste a {$whom} propietario
        }
       [to-you] { $role ->
           [observer] {$by} te hizo observador
          *[member] {$by} te hizo miembro
           [moderator] {$by} te hizo moderador
           [admin] {$by} te hizo administrador
           [owner] {$by} te hizo propietario
        }
      *[other] { $role ->
           [observer] {$by} hizo a {$whom} observador
          *[member] {$by} hizo a {$whom} miembro
           [moderator] {$by} hizo a {$whom} moderador
           [admin] {$by} hizo a {$whom} administrador
           [owner] {$by} hizo a {$whom} propietario
        }
    }


## Calls

notice-calls = { $name } te llama
call-start = Llamada de voz
call-start-video = Videollamada
call-no-contact = Solo se puede llamar a quien te ha aceptado como contacto.
call-no-talking = Ya estás en una llamada.
call-no-network = No hay red.
call-no-camera = No se encontró ninguna cámara o no hay ninguna elegida: mira en los ajustes, en «Llamadas».
call-no-screen = No se encontró ninguna pantalla o no hay ninguna elegida: mira entre los dispositivos.
call-calling = Llamando…
call-ringing = Sonando…
call-incoming = Llamada de voz
call-incoming-video = Videollamada
call-connecting = Conectando…
call-reconnecting = Se perdió la conexión: buscando otra…
call-hold-own = En espera
call-hold-theirs = La otra persona ha puesto la llamada en espera
call-end-finished = La llamada ha terminado
call-end-declined = Rechazada
call-end-busy = Ocupado: había otra llamada
call-end-no-answer = Nadie contestó
call-end-unreachable = No se pudo contactar: verán que llamaste
call-end-cancelled = Cancelada antes de contestar
call-end-missed = Perdida
call-end-answered-elsewhere = Contestada en tu otro dispositivo
call-end-declined-elsewhere = Rechazada en tu otro dispositivo
call-end-unsupported = El otro dispositivo no admite estas llamadas
call-end-no-connection = No se encontró conexión de sonido entre los dos dispositivos
call-end-lost = Se perdió la conexión
call-end-interrupted = Kith se cerró durante la llamada
call-end-no-microphone = No se pudo usar ningún micrófono: mira los ajustes, en «Llamadas»
call-end-no-relay = Tu dirección está oculta para esta persona en las llamadas y no hay ningún nodo comunitario que retransmita llamadas: añade uno, comparad los números de seguridad o permite llamadas directas
call-end-no-agreement = Los dos dispositivos no se pusieron de acuerdo: actualiza Kith en ambos
call-end-broken = El sonido dejó de funcionar en este dispositivo
call-end-replaced = Ambos llamasteis a la vez: sigue la otra llamada
call-line-missed = Llamada perdida
call-line-missed-video = Videollamada perdida
call-line-out = Llamada saliente
call-line-out-video = Videollamada saliente
call-line-in = Llamada entrante
call-line-in-video = Videollamada entrante
call-line-whole = { $what }: { $how }
call-line-at = { $clock } · { $how }
call-went-unheard = Terminó antes de conectarse
call-went-broken = { $talked }: { $why }
call-went-declined = La rechazaste
call-went-busy = Estabas en otra llamada
call-went-unsupported = Este dispositivo no puede recibir llamadas
call-quality-none = Sin conexión
call-quality-bad = Mala conexión
call-quality-weak = Conexión débil
call-quality-fair = Conexión aceptable
call-quality-good = Buena conexión
call-to-chats = Mostrar los chats; la llamada sigue
call-larger = Usar toda la ventana
call-smaller = Mostrar los chats al lado
call-figures = Lo que se mide
call-their-screen = Pantalla de { $name }
call-their-recording = la otra parte la graba
call-their-picture = Imagen de { $name }
call-own-picture = Tu propia imagen
call-they-are-silent = { $name } ha apagado el micrófono
call-return = Volver a la llamada
call-return-to = Volver a la llamada con { $name }
call-bar = { $name } · { $state }
call-hang-up = Colgar
call-mute = Apagar el micrófono
call-unmute = Encender el micrófono
call-camera-on = Encender la cámara
call-camera-off = Apagar la cámara
call-screen-on = Mostrar tu pantalla
call-screen-off = Dejar de mostrar tu pantalla
call-hold = Poner en espera
call-resume = Seguir con la llamada
call-devices = Dispositivos
call-microphone = Micrófono
call-speaker = Altavoz
call-camera = Cámara
call-screen = Pantalla
call-level = Volumen del micrófono
call-device-default = Según el sistema
call-device-none = Ninguno
call-device-first = El primero
call-device-pattern = Imagen de prueba
call-decline = Rechazar
call-accept = Contestar
call-accept-video = Con cámara
call-again = Llamar otra vez
call-back = Devolver la llamada
call-back-video = Devolver la videollamada
settings-page-calls = Llamadas
notice-group-call = Llamada en { $name }
call-group = Llamada de grupo
call-group-by = { $name } llama al grupo
call-group-by-more = { $name } y { $count ->
    [one] una persona más están
   *[other] { $count } más están
 } en una llamada
call-group-start = Llamar al grupo
call-group-start-video = Llamar al grupo con vídeo
call-group-join = Unirse
call-group-join-video = Unirse con cámara
call-group-show = Mostrar la llamada
call-group-waiting = Todavía no hay nadie más
call-group-people = { $count ->
    [one] una persona
   *[other] { $count } personas
 }
call-group-ongoing = Hay una llamada en curso: { $count ->
    [one] una persona está
   *[other] { $count } personas están
 } en ella
call-group-row = , hay una llamada en curso
call-no-member = Solo los miembros del grupo pueden llamarlo.
call-not-allowed =
    { $role ->
     [observer] En este grupo todos pueden iniciar llamadas.
    *[member] En este grupo pueden iniciar llamadas los miembros y quienes están por encima.
     [moderator] En este grupo solo moderadores, administradores y propietarios pueden iniciar llamadas.
     [admin] En este grupo solo administradores y propietarios pueden iniciar llamadas.
     [owner] En este grupo solo los propietarios pueden iniciar llamadas.
 }
call-hand-raise = Levantar la mano
call-hand-lower = Bajar la mano
call-hand-of = { $name } ha levantado la mano
call-arrange-grid = Mostrar a todos por igual
call-arrange-speaker = Mostrar en grande a quien habla
call-tile-larger = Mostrar a { $name } en grande
call-tile-smaller = Dejar de mostrar a { $name } en grande
call-tile-connecting = conectando…
call-tile-silent = micrófono apagado
call-mute-one = Apagar el micrófono de { $name }
call-muted-by = { $name } ha apagado tu micrófono
call-you = Tú
figures-forwarder = Lo transmite
call-devices-what = Lo que está conectado aparece al abrir esta página. La imagen de prueba muestra cómo es una videollamada.
call-test = Oírte a ti
call-test-end = Parar
call-test-what = Una llamada a ti: oyes lo que capta el micrófono dos segundos después, como lo oirían otras personas.
call-test-speak = Di algo: vuelve a los dos segundos. Con altavoces se quita el eco.
call-test-no-speaker = No se pudo usar ningún altavoz: elige otro arriba.
call-hide-one = Dirección de red en las llamadas
call-hide-as-all = Como en los ajustes
call-hide-always = Ocultarla siempre
call-hide-never = No ocultarla nunca
call-hide-title = Ocultar tu dirección de red en las llamadas a
call-hide-everybody = Todo el mundo
call-hide-unverified = Las personas cuyo número de seguridad no has comparado
call-hide-nobody = Nadie
call-hide-what = Las llamadas van entonces solo por relés, lo que tarda más y necesita un nodo comunitario que retransmita. Vale desde la próxima llamada. Con la segunda opción se llama directamente a quienes tienen su dispositivo conectado directamente al tuyo para los mensajes: ya tienen la dirección.
key-mute-one = En una llamada de grupo: apagar el micrófono de la persona marcada
key-call = Llamar al contacto abierto
key-mute = En una llamada: micrófono sí o no
key-camera = En una llamada: cámara sí o no
key-talk = En una llamada: hablar mientras se mantiene
key-hang-up = Colgar
figures-none = Aún no se ha medido nada.
figures-path = Camino
figures-path-none = buscándose
figures-path-direct = directo, UDP
figures-path-relayed = por un relé
figures-path-interrupted = interrumpido
figures-path-failed = fallido
figures-address = Tu dirección
figures-address-hidden = oculta
figures-address-seen = visible para ellos
figures-round-trip = Ida y vuelta
figures-millis = { $millis } ms
figures-loss = Pérdida a la ida
figures-percent = { $percent } %
figures-may-send = Puede enviar
figures-kilobits = { $rate } kbit/s
figures-megabits = { $rate } Mbit/s
figures-held = Búfer de fluctuación
figures-made-up = Sonido reconstruido
figures-repaired = Reparados / perdidos
figures-repaired-of = { $repaired } / { $lost }
figures-bytes = enviado / recibido
figures-bytes-of = { $sent } / { $came }
figures-size = imagen
figures-shown = imágenes mostradas

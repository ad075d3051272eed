//! The icons by name (Phosphor, regular).

/// Write to somebody.
pub const NEW_CHAT: &str = "\u{E34C}";
/// Add somebody.
pub const USER_PLUS: &str = "\u{E4D0}";
/// A person.
pub const USER: &str = "\u{E4C2}";
/// Settings.
pub const GEAR: &str = "\u{E272}";
/// Search.
pub const SEARCH: &str = "\u{E30C}";
/// More.
pub const MORE: &str = "\u{E1FE}";
/// Emoji.
pub const SMILEY: &str = "\u{E436}";
/// Send.
pub const SEND: &str = "\u{E396}";
/// Down.
pub const DOWN: &str = "\u{E03E}";
/// Back.
pub const BACK: &str = "\u{E058}";
/// Copy.
pub const COPY: &str = "\u{E1CA}";
/// Answer.
pub const REPLY: &str = "\u{E024}";
/// Verified.
pub const SHIELD: &str = "\u{E40C}";
/// Chats.
pub const CHATS: &str = "\u{E17E}";
/// A lock.
pub const LOCK: &str = "\u{E2FE}";
/// All is well.
pub const CHECK: &str = "\u{E182}";
/// Something is wrong.
pub const WARNING: &str = "\u{E4E2}";
/// No connection.
pub const OFFLINE: &str = "\u{E4F2}";
/// Close.
pub const CLOSE: &str = "\u{E4F6}";
/// Light theme.
pub const SUN: &str = "\u{E472}";
/// Dark theme.
pub const MOON: &str = "\u{E330}";
/// A QR code.
pub const QR: &str = "\u{E3E6}";
/// A group.
pub const USERS: &str = "\u{E4D6}";
/// Somebody is called by name.
pub const AT: &str = "\u{E0AC}";
/// Pinned.
pub const PIN: &str = "\u{E3E2}";
/// Not pinned any more.
pub const UNPIN: &str = "\u{E3E4}";
/// Tells of everything.
pub const BELL: &str = "\u{E0CE}";
/// Tells of nothing.
pub const BELL_OFF: &str = "\u{E0D4}";
/// Delete.
pub const TRASH: &str = "\u{E4A6}";
/// Leave.
pub const LEAVE: &str = "\u{E42A}";
/// More about it.
pub const INFO: &str = "\u{E2CE}";
/// A link.
pub const LINK: &str = "\u{E2E2}";
/// Change it.
pub const PENCIL: &str = "\u{E3B4}";
/// There is a page behind it.
pub const NEXT: &str = "\u{E13A}";
/// May not write.
pub const SILENT: &str = "\u{E328}";
/// Must not come back.
pub const BANNED: &str = "\u{E3DE}";
/// An invitation.
pub const LETTER: &str = "\u{E218}";
/// It takes time.
pub const HOURGLASS: &str = "\u{E2B2}";
/// Everybody has it.
pub const CHECKS: &str = "\u{E53A}";
/// Seen.
pub const EYE: &str = "\u{E220}";
/// Rules.
pub const RULES: &str = "\u{EB7A}";
/// Tell those who keep order.
pub const FLAG: &str = "\u{E244}";
/// Open to everybody.
pub const GLOBE: &str = "\u{E288}";
/// Look for rooms.
pub const COMPASS: &str = "\u{E1C8}";
/// A directory of rooms.
pub const BOOKS: &str = "\u{E758}";
/// Words that are not to be read.
pub const FUNNEL: &str = "\u{E266}";
/// Not to be seen.
pub const HIDDEN: &str = "\u{E224}";
/// Out of the app.
pub const EXPORT: &str = "\u{E4C0}";
/// Into the app.
pub const IMPORT: &str = "\u{E20C}";
/// Languages.
pub const LANGUAGES: &str = "\u{E4A2}";
/// A pause.
pub const TIMER: &str = "\u{E492}";
/// Keeping order.
pub const SHIELD_WARNING: &str = "\u{E412}";
/// A word by which something is found.
pub const TAG: &str = "\u{E478}";
/// Come in.
pub const ENTER: &str = "\u{E428}";
/// Back to how it was.
pub const UNDO: &str = "\u{E038}";
/// A call by voice.
pub const PHONE: &str = "\u{E3B8}";
/// The call is over.
pub const HANG_UP: &str = "\u{E3BC}";
/// Somebody called.
pub const CALL_IN: &str = "\u{E3BE}";
/// Somebody was called.
pub const CALL_OUT: &str = "\u{E3C0}";
/// Nobody was heard.
pub const CALL_MISSED: &str = "\u{E3C4}";
/// A camera.
pub const CAMERA: &str = "\u{E4DA}";
/// No camera.
pub const CAMERA_OFF: &str = "\u{E4DC}";
/// A microphone.
pub const MICROPHONE: &str = "\u{E326}";
/// A screen.
pub const SCREEN: &str = "\u{E32E}";
/// Waits.
pub const PAUSE: &str = "\u{E39E}";
/// Goes on.
pub const PLAY: &str = "\u{E3D0}";
/// A speaker.
pub const SPEAKER: &str = "\u{E44A}";
/// What can be adjusted.
pub const SLIDERS: &str = "\u{E434}";
/// As large as can be.
pub const LARGER: &str = "\u{E0A2}";
/// Smaller again.
pub const SMALLER: &str = "\u{E09A}";
/// What was measured.
pub const FIGURES: &str = "\u{E150}";

/// A raised hand.
pub const HAND: &str = "\u{E298}";

/// All alike.
pub const GRID: &str = "\u{E464}";

/// One of them large.
pub const LARGE: &str = "\u{E4D2}";

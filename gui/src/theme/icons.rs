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

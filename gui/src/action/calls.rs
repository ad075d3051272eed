//! What a person wants of calls.

use kith_engine::view::HideAddress;
use kith_node::calling::choice::Use;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::ContactId;

use crate::model::calls::Corner;
use crate::model::calls::together::Layout;
use crate::model::calls::together::Tile;

/// An intent about calls. Where no call is named, it is the one that goes on.
#[derive(Clone, Debug, PartialEq)]
pub enum CallAction {
    /// Call somebody.
    Start {
        /// In which chat.
        chat: ChatId,
        /// Whether to be seen as well.
        camera: bool,
    },
    /// Answer.
    Accept {
        /// Whether to be seen as well.
        camera: bool,
    },
    /// Decline, give up or hang up.
    HangUp,
    /// Send something, or do not any more.
    Toggle(Part),
    /// Speak while a key is held, though the microphone is off.
    Talk(bool),
    /// Show the call in place of the chat, or go on with it beside the chats.
    Show(bool),
    /// Use the whole window for it, or do not.
    Full(bool),
    /// Show what is measured, or do not.
    Figures(bool),
    /// Put the own picture there.
    Put(Corner),
    /// Raise the hand in a call of a group, or take it down.
    RaiseHand(bool),
    /// Have somebody in a call of a group be silent.
    Mute(AccountId),
    /// Arrange the people in a call of a group otherwise.
    Arrange(Layout),
    /// Show one of them large, or no more.
    Enlarge(Tile),
    /// It is over and was read.
    Dismiss,
    /// Look which devices there are.
    LookAtDevices,
    /// Begin a call to oneself, or end it.
    Rehearse(bool),
    /// Use another device.
    Choose(Use, String),
    /// Hide the own address from these.
    Hide(HideAddress),
    /// Hide it from one, or do not, or as from everybody else.
    HideFrom(ContactId, Option<bool>),
}

/// What is switched on and off in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The own voice.
    Microphone,
    /// The own picture.
    Camera,
    /// The own screen.
    Screen,
    /// Everything: nothing is sent or played.
    Hold,
}

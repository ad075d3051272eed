//! What a person wants of public rooms and directories.

use kith_proto::id::GroupId;

/// An intent about rooms.
#[derive(Clone, Debug, PartialEq)]
pub enum RoomAction {
    /// Show the page on which rooms are looked for: in all directories, or in one.
    Discover(Option<GroupId>),
    /// Choose what a new directory is called.
    MakeDirectory,
    /// Close that page.
    CloseDiscover,
    /// What is searched for changed.
    Search,
    /// Show a room of the page: its chat, or what is known before coming in.
    Show(GroupId),
    /// Ask to come into the room of the dialog.
    Join,
    /// Tell the one link of the room whose panel is open.
    Share,
    /// List the room whose panel is open in a directory.
    Publish(GroupId),
    /// Do not list it there any more.
    Unpublish(GroupId),
}

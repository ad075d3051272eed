//! What can be said about public rooms, filters and lists of blocked people, with examples.

use std::path::PathBuf;

use clap::Subcommand;

pub(crate) const EXAMPLES: &str = "\
Examples:
  kith-node group create Sailing --public                a room that anybody may come to
  kith-node group create Harbour --public --directory    a room in which members list rooms
  kith-node rooms publish Harbour Sailing --tag boats    list it there
  kith-node rooms list boats                             search all directories that you are in
  kith-node group join 'kith:gAQ…'                       come in";

#[derive(Debug, Subcommand)]
pub(crate) enum RoomsTask {
    /// List the rooms in the directories that you are in
    List {
        /// Words that all stand in name, topic, language or tags
        words: Vec<String>,
        /// Only those in this directory
        #[arg(long)]
        directory: Option<String>,
    },
    /// List a public room in a directory, or say anew what is said of it there
    Publish {
        /// The directory's name or id
        directory: String,
        /// The room's name or id
        room: String,
        /// The language that is spoken there, like de
        #[arg(long, default_value = "")]
        language: String,
        /// A word by which it is found (repeatable)
        #[arg(long = "tag", value_name = "WORD")]
        tags: Vec<String>,
    },
    /// Take back what you said of a room in a directory
    Unpublish {
        /// The directory's name or id
        directory: String,
        /// The room's name or id
        room: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum FiltersTask {
    /// List the words
    List,
    /// Hide messages that have one of these, as whole words
    Add {
        /// Words; several that stand together in quotes
        #[arg(required = true)]
        words: Vec<String>,
    },
    /// Show messages with these again
    Remove {
        /// As “list” prints them
        #[arg(required = true)]
        words: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum BlocksTask {
    /// Print the list of those who are blocked, to give to others
    Export,
    /// Block everybody on a list that somebody else made
    Import {
        /// The list; standard input if left out
        file: Option<PathBuf>,
    },
}

//! The rules of groups, one test each, with named people; `properties` lets them fight at random.

mod hostile;
mod oracle;
mod people;
mod properties;
mod rules;
mod sync;

/// A log with nothing but its beginning, another for each number.
pub(super) fn log_of_ann(number: u8) -> super::Log {
    super::Log::new(people::Book::salted(number, Default::default()).operations.remove(0))
        .expect("Ann may make a group")
}

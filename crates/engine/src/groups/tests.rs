//! The rules of groups, one test each, with named people; `properties` lets them fight at random.

mod hostile;
mod oracle;
mod people;
mod properties;
mod rules;
mod sync;

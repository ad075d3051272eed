//! Carries out commands about groups.

use kith_proto::rows::Rows;

use crate::command::Answer;
use crate::command::Command;
use crate::command::Refusal;
use crate::engine::Engine;
use crate::output::Output;

/// Carries out one command.
pub(crate) fn run(
    _engine: &mut Engine,
    _rows: &dyn Rows,
    _out: &mut Output,
    _command: Command,
) -> Result<Answer, Refusal> {
    Err(Refusal::UnknownGroup)
}

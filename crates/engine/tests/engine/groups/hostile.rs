//! Members and others who lie.

use super::ANN;
use super::BOB;
use super::CAT;
use super::World;

#[test]
fn placeholder() {
    let world = World::of_friends(3);
    let _ = (ANN, BOB, CAT, world);
}

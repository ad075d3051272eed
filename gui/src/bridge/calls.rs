//! What the node does for calls on behalf of the interface: sound before anybody talks, devices, measurements.

use kith_node::Handle;
use kith_node::NodeError;
use kith_node::calling::Kind;
use kith_node::calling::choice;

use crate::action::Request;
use crate::bridge::Reply;
use crate::model::calls::Devices;

/// Carries out a request about calls.
pub(super) fn carry_out(node: &Handle, request: Request) -> Result<Reply, NodeError> {
    Ok(match request {
        Request::Ring(tune) => {
            node.ring(tune)?;
            Reply::Rings
        }
        Request::MeasureCalls => Reply::Calls(Box::new(node.call_stats()?)),
        Request::Rehearse(wanted) => {
            if let Some(on) = wanted {
                node.rehearse(on)?;
            }
            Reply::Rehearsed(node.rehearsed()?)
        }
        Request::ChooseCallDevices(chosen) => {
            let mut choices = node.call_devices()?;
            choices.devices = *chosen;
            node.choose_call_devices(choices)?;
            devices(node)?
        }
        _ => devices(node)?,
    })
}

fn devices(node: &Handle) -> Result<Reply, NodeError> {
    Ok(Reply::CallDevices(Box::new(Devices {
        chosen: node.call_devices()?.devices,
        found: choice::list(),
        cameras: choice::list_pictures(Kind::Camera),
        screens: choice::list_pictures(Kind::Screen),
    })))
}

//! `rpc.discover`: the table of methods as an OpenRPC document.

use serde_json::Value;
use serde_json::json;

use crate::rpc::methods;

/// The OpenRPC 1.3 document of this API.
pub(crate) fn document() -> Value {
    let methods: Vec<Value> = methods::all()
        .map(|method| {
            let params: Vec<Value> = method
                .params
                .iter()
                .map(|param| {
                    json!({
                        "name": param.name,
                        "required": param.required,
                        "summary": param.summary,
                        "schema": schema(param.kind),
                    })
                })
                .collect();
            json!({
                "name": method.name,
                "summary": method.summary,
                "paramStructure": "by-name",
                "params": params,
                "result": { "name": "result", "summary": method.result, "schema": { "type": "object" } },
            })
        })
        .collect();
    json!({
        "openrpc": "1.3.2",
        "info": {
            "title": "Kith node",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "JSON-RPC 2.0, one object a line. Events arrive as notifications “event” with a “type”.",
        },
        "methods": methods,
    })
}

/// The schema of a parameter. Every list is one of texts.
fn schema(kind: &str) -> Value {
    match kind {
        "array" => json!({ "type": kind, "items": { "type": "string" } }),
        _ => json!({ "type": kind }),
    }
}

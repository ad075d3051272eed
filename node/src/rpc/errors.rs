//! Errors as JSON-RPC writes them: a number for the kind, a sentence, and a stable word in `data.code`.

use serde_json::Value;
use serde_json::json;

use crate::error::NodeError;

/// An error of the API.
#[derive(Clone, Debug, PartialEq)]
pub struct RpcError {
    /// The number: one of JSON-RPC's own, or -32000 for everything of ours.
    pub number: i64,
    /// The stable word.
    pub code: &'static str,
    /// The sentence.
    pub message: String,
}

impl RpcError {
    /// The line was not JSON.
    pub fn not_json() -> Self {
        Self {
            number: -32700,
            code: "not_json",
            message: "this line is not JSON: send one object a line".to_owned(),
        }
    }

    /// The object was not a request.
    pub fn not_a_request(why: &str) -> Self {
        Self {
            number: -32600,
            code: "not_a_request",
            message: format!("this is not a JSON-RPC 2.0 request: {why}"),
        }
    }

    /// No such method.
    pub fn no_method(name: &str) -> Self {
        let message = format!("there is no method “{name}”: rpc.discover lists all of them");
        Self { number: -32601, code: "no_method", message }
    }

    /// A parameter is missing or wrong.
    pub fn bad_params(why: impl Into<String>) -> Self {
        Self { number: -32602, code: "bad_params", message: why.into() }
    }

    /// Something that cannot be done now: a word of ours, and a sentence.
    pub(crate) fn ours(code: &'static str, why: &str) -> Self {
        Self { number: -32000, code, message: why.to_owned() }
    }

    /// As it stands in a response.
    pub fn to_json(&self) -> Value {
        json!({ "code": self.number, "message": self.message, "data": { "code": self.code } })
    }
}

impl From<NodeError> for RpcError {
    fn from(error: NodeError) -> Self {
        Self { number: -32000, code: error.code(), message: error.to_string() }
    }
}

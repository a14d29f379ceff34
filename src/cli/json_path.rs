//! A path in JSON, whose strings are UTF-8 and whose paths need not be.

use serde::Serialize;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// `path`, and `path_bytes` beside it where that cannot tell it.
#[derive(Serialize)]
pub struct JsonPath {
    path: String,
    /// The path's bytes in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
}

impl From<&OsStr> for JsonPath {
    fn from(path: &OsStr) -> Self {
        Self {
            path: path.to_string_lossy().into_owned(),
            path_bytes: path.to_str().is_none().then(|| hex(path)),
        }
    }
}

fn hex(name: &OsStr) -> String {
    name.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

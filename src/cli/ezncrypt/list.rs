//! `ezncrypt list`: the locations.

use crate::cli::instance::{Instance, unexpected_answer};
use crate::cli::json_path::JsonPath;
use crate::cli::{output, table};
use crate::service::protocol::{Answer, Failure, LocationRow, Request};
use serde::Serialize;

/// Lists the locations as a table or as JSON.
pub fn run(instance: &Instance, json: bool) -> Result<(), Failure> {
    let Answer::Locations(rows) = instance.call(Request::Locations)? else {
        return Err(unexpected_answer());
    };
    if json {
        output::json(&rows.iter().map(Location::from).collect::<Vec<_>>())
    } else {
        output::text(&table::locations(&rows))
    }
}

/// A location in JSON.
#[derive(Serialize)]
struct Location<'a> {
    category: &'a str,
    #[serde(flatten)]
    path: JsonPath,
    state: &'a str,
}

impl<'a> From<&'a LocationRow> for Location<'a> {
    fn from(row: &'a LocationRow) -> Self {
        Self {
            category: &row.category,
            path: JsonPath::from(row.path.as_os_str()),
            state: &row.state,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn only_a_path_that_is_not_utf8_has_its_bytes_beside_it() {
        let json = |path: &[u8]| {
            let path = OsStr::from_bytes(path).to_owned();
            let row = LocationRow { category: "@c".into(), path, state: "encrypted".into() };
            serde_json::to_string(&Location::from(&row)).unwrap()
        };
        let plain = r#"{"category":"@c","path":"/ä","state":"encrypted"}"#;
        assert_eq!(json("/ä".as_bytes()), plain);
        let odd = r#"{"category":"@c","path":"/�","path_bytes":"2fff","state":"encrypted"}"#;
        assert_eq!(json(b"/\xff"), odd);
    }
}

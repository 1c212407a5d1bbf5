//! Saved plans: a file that holds a whole plan, to be looked at, approved and applied later.
//!
//! It is readable by its owner only and holds no secret's value. Whether what it expects still holds is asked of the
//! engine ([`Plan::stale`]), not of the file.

#![allow(clippy::disallowed_methods)] // saved plans are files

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::plan::{FORMAT_VERSION, Plan};

/// Why a plan can't be written or read.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// The file can't be written.
    #[error("the plan can't be written to {path}: {cause}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The file can't be read.
    #[error("the plan {path} can't be read: {cause}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// It holds something else.
    #[error("{path} is no saved plan: {cause}")]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// Another version of wharf wrote it.
    #[error(
        "{path} was saved in format {found:?}, and this wharf reads {FORMAT_VERSION:?}; make the plan again"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: String,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Saved<'a> {
    format_version: &'a str,
    saved_plan: &'a Plan,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    format_version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    saved_plan: Plan,
}

/// Writes a plan, whole or not at all.
///
/// # Errors
/// The file or its directory can't be written.
pub fn write(path: &Path, plan: &Plan) -> Result<(), PlanFileError> {
    let failed = |cause| PlanFileError::Write {
        path: path.to_owned(),
        cause,
    };
    let saved = Saved {
        format_version: FORMAT_VERSION,
        saved_plan: plan,
    };
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty());
    // tempfile makes files that their owner alone can read.
    let mut file = tempfile::NamedTempFile::new_in(directory.unwrap_or(Path::new("."))).map_err(failed)?;
    let text = serde_json::to_vec_pretty(&saved).map_err(|e| failed(e.into()))?;
    file.write_all(&text).map_err(failed)?;
    file.write_all(b"\n").map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|e| failed(e.error))?;
    Ok(())
}

/// Reads a plan.
///
/// # Errors
/// There is no such file, or it holds no plan that this version of wharf can apply.
pub fn read(path: &Path) -> Result<Plan, PlanFileError> {
    let failed = |cause| PlanFileError::Read {
        path: path.to_owned(),
        cause,
    };
    let form = |cause: String| PlanFileError::Form {
        path: path.to_owned(),
        cause,
    };
    let text = std::fs::read(path).map_err(failed)?;
    let head: Head = serde_json::from_slice(&text).map_err(|e| form(e.to_string()))?;
    if head.format_version != FORMAT_VERSION {
        let path = path.to_owned();
        let found = head.format_version;
        return Err(PlanFileError::Version { path, found });
    }
    let Body { saved_plan: plan } = serde_json::from_slice(&text).map_err(|e| form(e.to_string()))?;
    let ordered = |(id, step): (usize, &crate::plan::Step)| step.after.iter().all(|before| *before < id);
    if !plan.steps.iter().enumerate().all(ordered) {
        return Err(form("a step waits for one that comes after it".to_owned()));
    }
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::model::{EngineId, Kind, ObjectId};
    use crate::plan::{Action, Revision, Step, Target};

    fn plan(after: Vec<usize>) -> Plan {
        let target = Target {
            name: "lab.a.b".into(),
            id: Some(EngineId("1".into())),
        };
        Plan {
            site: "lab".parse().unwrap(),
            revision: Revision::default(),
            digest: "d".into(),
            changes: Vec::new(),
            noop: 3,
            blocked: Vec::new(),
            notes: Vec::new(),
            steps: vec![Step {
                workspace: "a/b".parse().unwrap(),
                object: ObjectId::new(Kind::Pod, "lab.a.b"),
                action: Action::Stop { target },
                after,
            }],
            seen: BTreeMap::new(),
            moment: None,
            closes: None,
        }
    }

    #[test]
    fn a_plan_reads_back_and_is_private() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.plan");
        std::fs::write(&path, "older, and longer than nothing").unwrap();
        write(&path, &plan(vec![])).unwrap();
        assert_eq!(read(&path).unwrap(), plan(vec![]));
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_is_no_plan_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.plan");
        assert!(matches!(read(&path), Err(PlanFileError::Read { .. })));
        for text in ["", "{}", "{\"formatVersion\": \"1\"}", "[1]"] {
            std::fs::write(&path, text).unwrap();
            assert!(matches!(read(&path), Err(PlanFileError::Form { .. })), "{text}");
        }
        std::fs::write(&path, "{\"formatVersion\": \"2\", \"savedPlan\": 1}").unwrap();
        assert!(matches!(read(&path), Err(PlanFileError::Version { .. })));
        write(&path, &plan(vec![0])).unwrap();
        assert!(matches!(read(&path), Err(PlanFileError::Form { .. })));
    }
}

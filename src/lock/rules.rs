//! What the codes of the lock mean, for whoever asks.

use crate::document::Rule;
use crate::document::rule::rule;

/// Every rule about `wharf.lock`.
pub const RULES: &[Rule] = &[
    rule(
        "lock/outdated",
        "With --locked, wharf.lock must name exactly what the repository uses from elsewhere, so that nothing is used that no commit has named.",
        "parent: {uri: https://example.org/base.yaml} # and nothing about it in wharf.lock\n",
        "devfiles:\n  - {url: \"https://example.org/base.yaml\", sha256: \"60d2…\"}\n",
    ),
    rule(
        "lock/unreadable",
        "wharf.lock is written by wharf lock, and read as it was written. After a conflict, take either side and run wharf lock again; wharf lock --update writes it anew.",
        "- {url: \"https://example.org/base.yaml\", sha256: latest}\n",
        "- {url: \"https://example.org/base.yaml\", sha256: \"60d2…\"}\n",
    ),
];

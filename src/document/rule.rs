//! What the code of a diagnostic means, for whoever asks; and the rules that every YAML file keeps to.

use super::diagnostic::Code;

/// A rule of some stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its stable name.
    pub code: Code,
    /// Why it exists and what to do.
    pub why: &'static str,
    /// What breaks it.
    pub example: &'static str,
    /// The same, right.
    pub fixed: &'static str,
}

/// A rule.
#[must_use]
pub const fn rule(code: Code, why: &'static str, example: &'static str, fixed: &'static str) -> Rule {
    Rule {
        code,
        why,
        example,
        fixed,
    }
}

/// The rules of YAML files, whatever they hold.
pub const RULES: &[Rule] = &[
    rule(
        "yaml/syntax",
        "The file is no YAML. The position is where reading stopped; the slip is there or on the line before, most often an indentation, a missing quote or an unclosed bracket.",
        "spec: {cpu: \"2\", memory: 4Gi\n",
        "spec: {cpu: \"2\", memory: 4Gi}\n",
    ),
    rule(
        "yaml/not-utf8",
        "YAML files are text in UTF-8. Save the file so; an editor calls it the encoding.",
        "displayName: Caf\\xe9\n",
        "displayName: Café\n",
    ),
    rule(
        "yaml/too-large",
        "A manifest or a devfile is written by people; one of more than 4 MiB is a mistake, or hostile.",
        "(a file of 50 MB)\n",
        "(several files of a few lines)\n",
    ),
    rule(
        "yaml/too-deep",
        "Nesting of more than 100 levels is a mistake, or hostile.",
        "[[[[[[[[ and so on\n",
        "[a, b]\n",
    ),
    rule(
        "yaml/too-many-values",
        "A file holds up to 250,000 values. Split it.",
        "(a list of a million numbers)\n",
        "(several files)\n",
    ),
    rule(
        "yaml/too-many-problems",
        "Of one file the first hundred problems are shown. Mend those first.",
        "(a file with a thousand mistakes)\n",
        "(the same file, mended)\n",
    ),
    rule(
        "yaml/alias",
        "An alias repeats an anchor that stands before it in the same document.",
        "image: *base\n",
        "base: &base localhost/tools:1\nimage: *base\n",
    ),
    rule(
        "yaml/alias-bomb",
        "Aliases of aliases make gigabytes out of a few lines. What they repeat is bounded.",
        "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b] # and so on\n",
        "a: [x, x]\n",
    ),
    rule(
        "yaml/duplicate-key",
        "Of two equal keys of a map one would silently win.",
        "memory: 1Gi\nmemory: 2Gi\n",
        "memory: 2Gi\n",
    ),
    rule(
        "yaml/key",
        "A key is a string; a list or a map is none.",
        "[a, b]: 1\n",
        "a: 1\nb: 1\n",
    ),
    rule(
        "yaml/tag",
        "Tags (!something) mean something to other programs only. Write the value itself.",
        "memory: !size 4Gi\n",
        "memory: 4Gi\n",
    ),
    rule(
        "yaml/type",
        "The value has another type than this key takes. A string that looks like a number or a boolean needs quotes.",
        "cpuLimit: 1\n",
        "cpuLimit: \"1\"\n",
    ),
    rule(
        "yaml/no-value",
        "A key without a value says nothing: give it one, or remove it.",
        "owner:\n",
        "owner: alice\n",
    ),
    rule(
        "yaml/missing-key",
        "This key is required here.",
        "kind: User\nmetadata: {}\n",
        "kind: User\nmetadata: {name: alice}\n",
    ),
    rule(
        "yaml/unknown-key",
        "Nobody reads this key: ignoring it would hide a slip of the pen.",
        "spec: {memroy: 4Gi}\n",
        "spec: {memory: 4Gi}\n",
    ),
    rule(
        "yaml/choice",
        "The value is none of the words that this key takes.",
        "power: sometimes\n",
        "power: auto\n",
    ),
    rule(
        "yaml/name",
        "Names become part of host names and of the names of objects: lower-case letters, digits and hyphens, a letter or digit first and last, at most 63.",
        "metadata: {name: My_API}\n",
        "metadata: {name: my-api}\n",
    ),
    rule(
        "yaml/quantity",
        "Memory, processor time and sizes are numbers with an optional suffix: 512Mi, 4Gi, 500m.",
        "memory: 4GB\n",
        "memory: 4Gi\n",
    ),
    rule(
        "yaml/range",
        "The number is out of the range of this key.",
        "publish: [{endpoint: web, port: 70000}]\n",
        "publish: [{endpoint: web, port: 8080}]\n",
    ),
];

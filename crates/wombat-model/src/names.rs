//! Names that all processes share: services, subjects, buckets, ports, and limits.

/// The micro service that answers build requests; also the name of its endpoint group.
pub const BUILD_SERVICE: &str = "build";
/// The micro service that answers questions about the catalog; also the name of its endpoint group.
pub const CATALOG_SERVICE: &str = "catalog";

/// The module that every binary is based on.
pub const BASE_MODULE: &str = "github.com/redpanda-data/benthos/v4";
/// Its packages that no pipeline runs without; later ones import the earlier ones.
pub const BASE_PACKAGES: [&str; 2] = ["public/components/pure", "public/components/io"];

/// One record a build, keyed by [`crate::BuildKey`]; history 1.
pub const BUILDS_BUCKET: &str = "builds";
/// Presence: one expiring key a builder process.
pub const BUILDERS_BUCKET: &str = "builders";
/// One key a module release.
pub const CATALOG_BUCKET: &str = "catalog";
/// Results of catalog imports, with the documentation by the components' authors.
pub const CATALOG_DOCS_BUCKET: &str = "catalog-docs";
/// The compile cache that all builders share; write-once.
pub const GOCACHE_BUCKET: &str = "gocache";
/// Finished binaries, written once under `<key>/<claim>`, linked from `<key>`.
pub const ARTIFACTS_BUCKET: &str = "artifacts";
/// What services let be built, and the binaries that came of it: `grant.<build>.<n>` and `result.<build>.<n>`; write-once.
pub const PUBLICATIONS_BUCKET: &str = "publications";
/// Phases and log lines of builds.
pub const LOGS_STREAM: &str = "BUILD_LOGS";
/// Subjects of [`LOGS_STREAM`] begin with this, followed by a build key without its `build.` and a claim.
pub const LOGS_SUBJECT_PREFIX: &str = "build.logs.";
/// Header of the last message of a claim's log; its value is the status that the build ended with.
pub const LOG_END_HEADER: &str = "Wombat-Log-End";

/// Subject of orders to build ahead: services tell builders what a client is likely to request next.
pub const AHEAD_SUBJECT: &str = "builder.ahead";

/// Prefix of the subjects of lint requests to builders, followed by the platform as `<goos>.<goarch>`.
pub const LINT_SUBJECT_PREFIX: &str = "builder.lint.";
/// The queue group in which builders share lint requests.
pub const LINT_QUEUE: &str = "q";

/// Subject of questions about releases outside the catalog, from services to builders.
pub const REQUIREMENTS_SUBJECT: &str = "builder.requirements";
/// The queue group in which builders share them.
pub const REQUIREMENTS_QUEUE: &str = "q";

/// Header of a `build.request` or a lint request that came over the gateway: the client's address, which its quota is
/// kept under.
pub const CLIENT_HEADER: &str = "Wombat-Client";

/// Header of a question to builders: when the asker stops waiting, in milliseconds since 1970 by the server's clock.
pub const DEADLINE_HEADER: &str = "Wombat-Deadline";

/// The gateway's default port.
pub const HTTP_PORT: u16 = 4430;

/// Most packages in one request.
pub const MAX_PACKAGES: usize = 64;
/// Longest import path, in bytes.
pub const MAX_PATH: usize = 256;
/// Longest module version, in bytes.
pub const MAX_VERSION: usize = 128;
/// Largest request body, in bytes.
pub const MAX_BODY: usize = 64 * 1024;
/// Longest query, in characters.
pub const MAX_QUERY: usize = 512;
/// Most variables of a pipeline.
pub const MAX_VARIABLES: usize = 256;
/// Longest name of a variable, in bytes.
pub const MAX_VARIABLE_NAME: usize = 256;
/// Longest value of a variable, in bytes.
pub const MAX_VARIABLE_VALUE: usize = 16 * 1024;
/// Most files of one question about pipelines.
pub const MAX_FILES: usize = 256;
/// Longest name of a file, in bytes.
pub const MAX_FILE_NAME: usize = 256;
/// Most text of pipelines in one question, in bytes.
pub const MAX_PIPELINE_TEXT: usize = 256 * 1024;

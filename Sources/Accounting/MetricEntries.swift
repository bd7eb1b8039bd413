// The entries of the metric registry, one list per topic, in the order their columns are written.

/// The lists the registry joins.
enum MetricEntries {
  private static let house = "Betula's own bookkeeping."
  private static let counting = "Metric definitions, section \"Counting\"."
  private static let everyTable = RecordTable.allCases

  /// What identifies a row.
  static let identity: [Metric] = [
    Metric(
      "schema_version", in: everyTable, .count, unit: "", label: "Schema version",
      formula: "The version of the table's columns and their meaning; raised when either changes.",
      source: house, isAlwaysWritten: true),
    Metric(
      "run_id", in: everyTable.filter { $0 != .claims }, .text, unit: "", label: "Run",
      formula: "A stable id of engine, parameters, workload, device, seed and repeat.", source: house,
      isAlwaysWritten: true),
    Metric(
      "study", in: [.runs], .text, unit: "", label: "Study", formula: "The study's id.", source: house,
      isAlwaysWritten: true),
    Metric(
      "engine", in: [.runs], .text, unit: "", label: "Engine",
      formula: "The engine's name in the catalogue.", source: house, isAlwaysWritten: true),
    Metric(
      "label", in: [.runs], .text, unit: "", label: "Label",
      formula: "The engine's label in the study, unique there; the engine's name unless the study says so.",
      source: house, isAlwaysWritten: true),
    Metric(
      "phase", in: everyTable.filter { $0 != .claims }, .text, unit: "", label: "Phase",
      formula: "The phase's name in the study, its kind unless the study says so.", source: house,
      isAlwaysWritten: true),
    Metric(
      "phase_kind", in: [.runs], .text, unit: "", label: "Phase kind",
      formula: "load, read, mixed, write, crash, or a verb: settle, reopen, drop_cache, warm, checkpoint.",
      source: house, isAlwaysWritten: true),
    Metric(
      "phase_index", in: [.runs], .count, unit: "", label: "Phase index",
      formula: "The phase's place in its run, the first is 0.", source: house, isAlwaysWritten: true),
    Metric(
      "repeat", in: [.runs], .count, unit: "", label: "Repeat",
      formula: "Which repetition of the run, the first is 0; each has a seed of its own.", source: house,
      isAlwaysWritten: true),
    Metric(
      "seed", in: [.runs], .count, unit: "", label: "Seed",
      formula: "What every random draw of the run is a function of.", source: house, isAlwaysWritten: true),
    Metric(
      "status", in: [.runs], .text, unit: "", label: "Status",
      formula: "ok, failed (see reason), or skipped (see reason).", source: house, isAlwaysWritten: true),
    Metric(
      "reason", in: [.runs], .text, unit: "", label: "Reason",
      formula: "A sentence: why a run or phase failed or was skipped; empty when it is ok.", source: house,
      isAlwaysWritten: true),
  ]

  /// What a run was given: the conditions without which its numbers mean nothing.
  static let conditions: [Metric] = [
    Metric(
      "batch_operations", in: [.runs], .count, unit: "operations/commit", label: "Batch",
      formula: "Operations in one atomic commit.", source: house, isAlwaysWritten: true),
    Metric(
      "sync_every_commits", in: [.runs], .count, unit: "commits/sync", label: "Commits per sync",
      formula: "Every how many commits the device is synced; 0 never, 1 each.", source: house,
      isAlwaysWritten: true),
    Metric(
      "durability_class", in: [.runs], .text, unit: "", label: "Durability class",
      formula: "What survives a crash: none, prefix, each_commit, every_<n>_commits, at_checkpoints.",
      source: house, isAlwaysWritten: true),
    Metric(
      "records", in: [.runs], .count, unit: "records", label: "Records",
      formula: "Records the run loads.", source: house, isAlwaysWritten: true),
    Metric(
      "memory_budget_bytes", in: [.runs], .count, unit: "byte", label: "Memory budget",
      formula: "The limit over all memory accounts of the engine, page cache included.", source: house,
      isAlwaysWritten: true),
    Metric(
      "data_memory_ratio", in: [.runs], .real, unit: "byte/byte", label: "Data ÷ memory",
      formula: "live_logical_bytes ÷ memory_budget_bytes at the phase's end.",
      included: "Key and value bytes of the records that exist.", excluded: "Structure overhead.",
      source: "Metric definitions, \"A comparison is fair when\", rule 5: 4 or more where I/O-bound is said."),
    Metric(
      "cache_temperature", in: [.runs], .text, unit: "", label: "Cache temperature",
      formula:
        "How the phase found the cache: cold (after reopen or drop_cache), warm (after warm), carried.",
      source: "Metric definitions, section \"Read amplification\"."),
    Metric(
      "stream_hash", in: [.runs], .text, unit: "", label: "Stream hash",
      formula: "A hash of the phase's operation stream: equal hashes mean equal operations.", source: house,
      isAlwaysWritten: true),
    Metric(
      "answers_checked", in: [.runs], .count, unit: "answers", label: "Answers checked",
      formula: "Answers compared with the reference; a wrong one voids the run.", preference: .largerIsBetter,
      source: "Metric definitions, \"A comparison is fair when\", rule 9."),
  ]

  /// Operations and the device's own counters.
  static let counts: [Metric] = [
    Metric(
      "operations", in: [.runs, .series], .count, unit: "operations", label: "Operations",
      formula: "Operations acknowledged since the phase began.", source: counting, isAlwaysWritten: true),
    Metric(
      "logical_write_bytes", in: [.runs, .series], .count, unit: "byte", label: "Logical bytes written",
      formula: "Σ (key + value) over acknowledged puts and upserts, key only for deletes.",
      included: "An upsert's operand as its value.", excluded: "Operations that were refused.",
      source: counting, isAlwaysWritten: true),
    Metric(
      "returned_bytes", in: [.runs, .series], .count, unit: "byte", label: "Bytes returned",
      formula: "Σ (key + value) over hits and scanned entries.", excluded: "Misses, which return nothing.",
      source: counting),
    Metric(
      "device_read_count", in: [.runs, .series], .count, unit: "transfers", label: "Device reads",
      formula: "Read transfers the device itself counted in the phase.",
      included: "Transfers after merging adjacent ones of a batch.", preference: .smallerIsBetter,
      source: counting, isAlwaysWritten: true),
    Metric(
      "device_read_bytes", in: [.runs, .series], .count, unit: "byte", label: "Device bytes read",
      formula: "Bytes of those transfers.", included: "Rounding to the transfer unit.",
      preference: .smallerIsBetter, source: counting, isAlwaysWritten: true),
    Metric(
      "device_write_count", in: [.runs, .series], .count, unit: "transfers", label: "Device writes",
      formula: "Write transfers the device itself counted in the phase.",
      included: "Transfers after merging adjacent ones of a batch.", preference: .smallerIsBetter,
      source: counting, isAlwaysWritten: true),
    Metric(
      "device_write_bytes", in: [.runs, .series], .count, unit: "byte", label: "Device bytes written",
      formula: "Bytes of those transfers.", included: "Rounding to the transfer unit.",
      preference: .smallerIsBetter, source: counting, isAlwaysWritten: true),
    Metric(
      "device_sync_count", in: [.runs, .series], .count, unit: "syncs", label: "Device syncs",
      formula: "Sync calls the device itself counted in the phase.", preference: .smallerIsBetter,
      source: counting, isAlwaysWritten: true),
    Metric(
      "device_discard_bytes", in: [.runs], .count, unit: "byte", label: "Device bytes discarded",
      formula: "Bytes declared unused in the phase.", source: counting),
    Metric(
      "requested_read_bytes", in: [.runs], .count, unit: "byte", label: "Requested bytes read",
      formula: "Bytes the engine or the VFS asked to read.",
      excluded: "Rounding to the transfer unit.", preference: .smallerIsBetter, source: counting),
    Metric(
      "requested_write_bytes", in: [.runs], .count, unit: "byte", label: "Requested bytes written",
      formula: "Bytes the engine or the VFS asked to write.",
      included: "Bytes written twice before they left for the device.",
      excluded: "Rounding to the transfer unit.", preference: .smallerIsBetter, source: counting,
      isAlwaysWritten: true),
    Metric(
      "data_write_bytes", in: [.series], .count, unit: "byte", label: "Data bytes written",
      formula: "Transferred write bytes of the causes of class data since the phase began.",
      preference: .smallerIsBetter, source: counting, isAlwaysWritten: true),
    Metric(
      "total_write_bytes", in: [.series], .count, unit: "byte", label: "Bytes written",
      formula: "Transferred write bytes of every cause since the phase began.",
      excluded: "Verification.", preference: .smallerIsBetter, source: counting, isAlwaysWritten: true),
  ]

  private static let moments: [(suffix: String, meaning: String)] = [
    ("ack", "when the phase's last operation was acknowledged"),
    ("end", "at the phase's end, the engine flushed and checkpointed"),
    ("settled", "after the settle that followed, owed compaction and flushing done"),
  ]

  /// Write amplification: three variants at three moments.
  static let writeAmplification: [Metric] = {
    let section = "Metric definitions, section \"Write amplification\"."
    var entries: [Metric] = []
    for moment in moments {
      entries.append(
        Metric(
          "wa_data_\(moment.suffix)", in: [.runs], .real, unit: "byte/byte",
          label: "Write amplification, data",
          formula:
            "Transferred write bytes of causes of class data ÷ logical_write_bytes, \(moment.meaning).",
          included: "Nodes, pages, runs and tables; free-list and database header pages.",
          excluded: "Log, journal, manifest, superblock, directory, space map, pending log, padding.",
          preference: .smallerIsBetter, source: section, isAlwaysWritten: moment.suffix == "end"))
    }
    for moment in moments {
      entries.append(
        Metric(
          "wa_total_\(moment.suffix)", in: [.runs], .real, unit: "byte/byte",
          label: "Write amplification, total",
          formula: "All transferred write bytes ÷ logical_write_bytes, \(moment.meaning).",
          included: "wa_data plus log, metadata and padding.", excluded: "Verification and calibration.",
          preference: .smallerIsBetter, source: section, isAlwaysWritten: moment.suffix != "ack"))
    }
    for moment in moments {
      entries.append(
        Metric(
          "wa_flash_\(moment.suffix)", in: [.runs], .real, unit: "byte/byte",
          label: "Write amplification, flash",
          formula:
            "Bytes programmed by the flash-translation model ÷ logical_write_bytes, \(moment.meaning).",
          included:
            "Flash pages programmed for host writes, a part of a page as a whole one, and pages moved by garbage collection; empty without device.flash.",
          excluded: "Preconditioning; what a real drive does inside.", preference: .smallerIsBetter,
          source: section))
    }
    entries.append(
      Metric(
        "settle_debt_bytes", in: [.runs], .count, unit: "byte", label: "Debt before settling",
        formula: "Transferred write bytes of the settle that followed the phase.",
        included: "Every cause.", preference: .smallerIsBetter, source: section))
    return entries
  }()

  private static let operationKinds: [(suffix: String, words: String)] = [
    ("", "reading operations (gets and scans)"), ("_hit", "gets that found their key"),
    ("_miss", "gets that did not find their key"), ("_scan", "scans"),
  ]

  /// Read amplification, by operation kind, and its deterministic tail.
  static let readAmplification: [Metric] = {
    let section = "Metric definitions, section \"Read amplification\"."
    var entries: [Metric] = []
    for kind in operationKinds {
      entries.append(
        Metric(
          "ra_ios" + kind.suffix, in: [.runs], .real, unit: "transfers/operation", label: "Read transfers",
          formula: "Read transfers ÷ operations, over \(kind.words) of the phase.",
          included: "Every cause, charged to the operation that ran it.",
          excluded: "Verification; what writing operations had to read (device_read_count has it).",
          preference: .smallerIsBetter, source: section, isAlwaysWritten: kind.suffix.isEmpty))
    }
    for kind in operationKinds where kind.suffix != "_miss" {
      entries.append(
        Metric(
          "ra_bytes" + kind.suffix, in: [.runs], .real, unit: "byte/byte", label: "Read amplification, bytes",
          formula: "Transferred read bytes ÷ (key + value bytes returned), over \(kind.words) of the phase.",
          included: "Rounding to the transfer unit.", excluded: "Misses return nothing: empty for them.",
          preference: .smallerIsBetter, source: section, isAlwaysWritten: kind.suffix.isEmpty))
    }
    for kind in operationKinds {
      entries.append(
        Metric(
          "read_bytes_per_operation" + kind.suffix, in: [.runs], .real, unit: "byte/operation",
          label: "Bytes read per operation",
          formula: "Transferred read bytes ÷ operations, over \(kind.words) of the phase.",
          included: "Rounding to the transfer unit.",
          excluded: "Verification; what writing operations had to read (device_read_bytes has it).",
          preference: .smallerIsBetter, source: section))
    }
    entries.append(
      Metric(
        "ra_struct", in: [.runs], .real, unit: "structures/operation", label: "Structures inspected",
        formula: "Nodes, runs or blocks inspected ÷ operations, cached or not.",
        preference: .smallerIsBetter, source: section))
    for (quantity, unit) in [("read_transfers", "transfers/operation"), ("read_bytes", "byte/operation")] {
      for (suffix, words) in [
        ("p50", "half"), ("p90", "90 %"), ("p99", "99 %"), ("p999", "99.9 %"), ("max", "all"),
      ] {
        entries.append(
          Metric(
            "\(quantity)_per_operation_\(suffix)", in: [.runs], .count, unit: unit,
            label: quantity == "read_bytes" ? "Bytes read per operation" : "Read transfers per operation",
            formula: "The smallest value that \(words) of the phase's reading operations do not exceed.",
            included: "Background reads, charged to the operation that ran them.",
            preference: .smallerIsBetter, source: section))
      }
    }
    return entries
  }()

  /// Space amplification and its split.
  static let space: [Metric] = {
    let section = "Metric definitions, section \"Space amplification\"."
    var entries: [Metric] = [
      Metric(
        "sa_live", in: [.runs], .real, unit: "byte/byte", label: "Space amplification",
        formula: "allocated_bytes ÷ live_logical_bytes at the phase's end.",
        included: "Allocated extents and metadata; for SQLite the sum of its file sizes, WAL included.",
        preference: .smallerIsBetter, source: section),
      Metric(
        "sa_peak", in: [.runs], .real, unit: "byte/byte", label: "Space amplification, peak",
        formula: "The largest allocated_bytes ÷ live_logical_bytes at any sample of the run so far.",
        included: "Temporaries that are there at a sample or at a phase's end.", preference: .smallerIsBetter,
        source: section),
      Metric(
        "sa_settled", in: [.runs], .real, unit: "byte/byte", label: "Space amplification, settled",
        formula: "sa_live after the settle that followed.", included: "As sa_live.",
        preference: .smallerIsBetter, source: section, isAlwaysWritten: true),
      Metric(
        "allocated_bytes", in: [.runs, .series], .count, unit: "byte", label: "Allocated bytes",
        formula: "Bytes allocated on the device, everything included.", preference: .smallerIsBetter,
        source: section),
      Metric(
        "live_logical_bytes", in: [.runs], .count, unit: "byte", label: "Live logical bytes",
        formula: "Σ (key + value) of the keys that exist at the phase's end.", source: section),
      Metric(
        "free_largest_extent", in: [.runs], .count, unit: "byte", label: "Largest free extent",
        formula: "The largest contiguous free range of the volume; empty when the space is not a volume.",
        preference: .largerIsBetter, source: section),
    ]
    for (name, words) in [
      ("live", "live keys and values"), ("cell_overhead", "cell headers, slots and pivots"),
      ("page_slack", "unused bytes inside pages and nodes"), ("dead_versions", "superseded versions"),
      ("buffered_messages", "messages on their way down"), ("metadata", "superblocks, maps, directories"),
      ("log", "logs and journals"),
    ] {
      entries.append(
        Metric(
          "space_\(name)_bytes", in: [.runs], .count, unit: "byte", label: "Space: \(words)",
          formula: "The part of allocated_bytes that holds \(words).", preference: .smallerIsBetter,
          source: section))
    }
    return entries
  }()

  /// Modelled cost.
  static let cost: [Metric] = {
    let section = "Metric definitions, section \"Cost and time\"."
    return [
      Metric(
        "affine_ms", in: [.runs], .real, unit: "ms", label: "Affine cost",
        formula: "Σ over transfers of (s + t·bytes), every transfer paying s.",
        preference: .smallerIsBetter,
        source: "Bender et al., \"Small Refinements to the DAM Can Have Big Consequences for Data-Structure "
          + "Design\", SPAA 2019, the affine model."),
      Metric(
        "pdam_steps", in: [.runs], .count, unit: "steps", label: "PDAM steps",
        formula: "Σ over batches of ⌈blocks in flight together ÷ P⌉.", preference: .smallerIsBetter,
        source: "Bender et al., SPAA 2019, the PDAM model."),
      Metric(
        "device_s", in: [.runs, .series], .real, unit: "s", label: "Virtual device time",
        formula: "Busy time of the virtual device under the study's device profile.",
        included: "A transfer that continues the one before it pays no seek.",
        excluded: "Processor time; waiting.", preference: .smallerIsBetter, source: section,
        isAlwaysWritten: true),
    ]
  }()

  /// Memory.
  static let memory: [Metric] = [
    Metric(
      "memory_peak_bytes", in: [.runs], .count, unit: "byte", label: "Memory peak",
      formula: "The largest sum over the engine's memory accounts in the phase; at most the budget.",
      preference: .smallerIsBetter, source: house, isAlwaysWritten: true),
    Metric(
      "memory_held_bytes", in: [.series], .count, unit: "byte", label: "Memory held",
      formula: "The sum over the engine's memory accounts at the sample.", source: house),
  ]

  /// What only write-optimised trees have.
  static let epsilon: [Metric] = {
    let section = "Metric definitions, section \"ε-specific\"."
    return [
      Metric(
        "epsilon_configured", in: [.runs], .real, unit: "", label: "ε, configured",
        formula: "The exponent of F = max(2, ⌊B^ε⌋), buffer = B − F; epsilon_unit names the unit of B.",
        source: section),
      Metric(
        "epsilon_unit", in: [.runs], .text, unit: "", label: "Unit of B",
        formula: "What B counts: entries or bytes.", source: section),
      Metric(
        "messages_per_flush_p50", in: [.runs], .count, unit: "messages/flush", label: "Messages per flush",
        formula: "The median number of messages one flush moves one level down, to within a thirty-second.",
        preference: .largerIsBetter, source: section),
      Metric(
        "messages_per_flush_p95", in: [.runs], .count, unit: "messages/flush", label: "Messages per flush",
        formula: "The 95th percentile of messages one flush moves one level down, to within a thirty-second.",
        preference: .largerIsBetter, source: section),
      Metric(
        "height", in: [.runs], .count, unit: "levels", label: "Height",
        formula: "Levels of the tree, the leaves included.", preference: .smallerIsBetter, source: section),
      Metric(
        "fanout", in: [.runs], .real, unit: "children/node", label: "Fanout",
        formula: "Children ÷ interior nodes, over the whole tree.", source: section),
    ]
  }()

  /// Columns of the long tables.
  static let longTables: [Metric] = [
    Metric(
      "direction", in: [.io], .text, unit: "", label: "Direction",
      formula: "read, write, discard, sync, create, delete, truncate or directory_sync.", source: counting,
      isAlwaysWritten: true),
    Metric(
      "cause", in: [.io], .text, unit: "", label: "Cause",
      formula: "Why the bytes moved; one of the causes below.", source: counting, isAlwaysWritten: true),
    Metric(
      "level", in: [.io], .count, unit: "", label: "Level",
      formula: "Height above the leaves, or the level of an LSM-tree; empty for none.", source: counting,
      isAlwaysWritten: true),
    Metric(
      "requested_operations", in: [.io], .count, unit: "requests", label: "Requests",
      formula: "Calls of the engine or the VFS.", source: counting, isAlwaysWritten: true),
    Metric(
      "requested_bytes", in: [.io], .count, unit: "byte", label: "Requested bytes",
      formula: "Bytes of those calls.", source: counting, isAlwaysWritten: true),
    Metric(
      "transferred_operations", in: [.io], .count, unit: "transfers", label: "Transfers",
      formula:
        "Transfers at the device after merging; one of several causes counts for the first that is not padding.",
      preference: .smallerIsBetter, source: counting, isAlwaysWritten: true),
    Metric(
      "transferred_bytes", in: [.io], .count, unit: "byte", label: "Transferred bytes",
      formula: "Bytes at the device; rounding has the cause padding.", preference: .smallerIsBetter,
      source: counting, isAlwaysWritten: true),
    Metric(
      "device_sequential", in: [.io], .count, unit: "transfers", label: "Sequential at the device",
      formula: "Transfers that began where the device's previous transfer in this direction ended.",
      preference: .largerIsBetter, source: counting, isAlwaysWritten: true),
    Metric(
      "stream_sequential", in: [.io], .count, unit: "transfers", label: "Sequential in their cause",
      formula: "Transfers that began where this cause's previous transfer in this direction ended.",
      preference: .largerIsBetter, source: counting, isAlwaysWritten: true),
    Metric(
      "histogram", in: [.histograms], .text, unit: "", label: "Histogram",
      formula: "What was counted for each operation, and the operation kind: quantity/kind.",
      source: house, isAlwaysWritten: true),
    Metric(
      "bucket_lower", in: [.histograms], .count, unit: "the histogram's", label: "Bucket, from",
      formula: "The smallest value of the bucket.", source: house, isAlwaysWritten: true),
    Metric(
      "bucket_upper", in: [.histograms], .count, unit: "the histogram's", label: "Bucket, up to",
      formula: "The largest value of the bucket, itself included.", source: house, isAlwaysWritten: true),
    Metric(
      "count", in: [.histograms, .latency], .count, unit: "operations", label: "Operations",
      formula: "Operations in the bucket, or operations timed.", source: house, isAlwaysWritten: true),
  ]

  /// Everything that depends on the machine's clocks or kernel.
  static let clock: [Metric] = {
    let section = "Metric definitions, section \"Cost and time\"."
    var entries: [Metric] = [
      Metric(
        "wall_s", in: [.timing], .real, unit: "s", label: "Wall time",
        formula: "Elapsed time of the phase by the monotonic clock.", preference: .smallerIsBetter,
        source: section, isClockDependent: true, isAlwaysWritten: true),
      Metric(
        "cpu_user_s", in: [.timing], .real, unit: "s", label: "CPU time, user",
        formula: "User time of the process in the phase.", preference: .smallerIsBetter, source: section,
        isClockDependent: true, isAlwaysWritten: true),
      Metric(
        "cpu_sys_s", in: [.timing], .real, unit: "s", label: "CPU time, system",
        formula: "System time of the process in the phase.", preference: .smallerIsBetter, source: section,
        isClockDependent: true, isAlwaysWritten: true),
      Metric(
        "ops_per_s", in: [.timing], .real, unit: "operations/s", label: "Throughput",
        formula: "operations ÷ wall_s; read it beside cpu_us_per_operation, ra_ios and wa_total.",
        preference: .largerIsBetter, source: section, isClockDependent: true, isAlwaysWritten: true),
      Metric(
        "cpu_us_per_operation", in: [.timing], .real, unit: "µs/operation", label: "CPU per operation",
        formula: "(cpu_user_s + cpu_sys_s) × 10⁶ ÷ operations.", preference: .smallerIsBetter,
        source: section, isClockDependent: true, isAlwaysWritten: true),
      Metric(
        "kernel_read_bytes", in: [.timing], .count, unit: "byte", label: "Kernel bytes read",
        formula: "read_bytes of /proc/self/io in the phase; only on a file device.",
        excluded: "Reads of ranges never written, which reach no disk; what a trace file was charged.",
        source: counting, isClockDependent: true),
      Metric(
        "kernel_write_bytes", in: [.timing], .count, unit: "byte", label: "Kernel bytes written",
        formula: "write_bytes of /proc/self/io in the phase; only on a file device.",
        excluded: "Not usable for buffered writes, which the kernel charges when a folio is dirtied.",
        source: counting, isClockDependent: true),
      Metric(
        "kernel_write_residual_bytes", in: [.timing], .real, unit: "byte", label: "Kernel residual",
        formula: "kernel_write_bytes − device_write_bytes; on O_DIRECT within 1 % + 1 MiB, or the run fails.",
        source: counting, isClockDependent: true),
      Metric(
        "operation", in: [.latency], .text, unit: "", label: "Operation",
        formula: "The operation kind.", source: section, isAlwaysWritten: true),
      Metric(
        "time_kind", in: [.latency], .text, unit: "", label: "Time kind",
        formula: "service (closed loop, from the call) or response (open loop, from the intended start).",
        source: section, isAlwaysWritten: true),
    ]
    for (suffix, words) in [
      ("mean", "The mean latency."), ("p50", "The latency half of the operations do not exceed."),
      ("p90", "The latency 90 % of the operations do not exceed."),
      ("p99", "The latency 99 % of the operations do not exceed."),
      ("p999", "The latency 99.9 % of the operations do not exceed."), ("max", "The largest latency."),
    ] {
      entries.append(
        Metric(
          "latency_\(suffix)_ns", in: [.latency], suffix == "mean" ? .real : .count, unit: "ns",
          label: "Latency", formula: words, preference: .smallerIsBetter, source: section,
          isClockDependent: true, isAlwaysWritten: true))
    }
    return entries
  }()

  /// Claims.
  static let claims: [Metric] = [
    Metric(
      "claim", in: [.claims], .text, unit: "", label: "Claim id", formula: "The claim's id in the study.",
      source: house, isAlwaysWritten: true),
    Metric(
      "sentence", in: [.claims], .text, unit: "", label: "Claim",
      formula: "The checkable sentence.", source: house, isAlwaysWritten: true),
    Metric(
      "figure", in: [.claims], .text, unit: "", label: "Figure",
      formula: "The figure the sentence is about.", source: house, isAlwaysWritten: true),
    Metric(
      "claim_kind", in: [.claims], .text, unit: "", label: "Kind of claim",
      formula:
        "value, ratio, order, monotone, slope, fit, crossover, minimum_at or within_factor; see the guide, Claims.",
      source: house),
    Metric(
      "metric", in: [.claims], .text, unit: "", label: "Metric",
      formula: "The metric the sentence is about, with what it is divided by.", source: house),
    Metric(
      "verdict", in: [.claims], .text, unit: "", label: "Verdict",
      formula: "held, not_held, or not_decidable (see explanation).", source: house, isAlwaysWritten: true),
    Metric(
      "expected", in: [.claims], .text, unit: "", label: "Expected",
      formula: "The value or range the source states.", source: house, isAlwaysWritten: true),
    Metric(
      "measured", in: [.claims], .real, unit: "the claim's", label: "Measured",
      formula: "The value the record holds; of several, the one that decides the verdict.", source: house,
      isAlwaysWritten: true),
    Metric(
      "measured_lower", in: [.claims], .real, unit: "the claim's", label: "Measured, lower end",
      formula: "The lower end of the 95 % bootstrap interval of measured over the repeats.",
      excluded: "Fewer than three repeats give no interval.",
      source: "Metric definitions, section \"Statistics\"."),
    Metric(
      "measured_upper", in: [.claims], .real, unit: "the claim's", label: "Measured, upper end",
      formula: "The upper end of that interval.", source: "Metric definitions, section \"Statistics\"."),
    Metric(
      "tolerance", in: [.claims], .text, unit: "", label: "Tolerance",
      formula: "How far measured may be from expected.", source: house, isAlwaysWritten: true),
    Metric(
      "explanation", in: [.claims], .text, unit: "", label: "Explanation",
      formula: "What was measured on how many repeats, and why the claim is not held or cannot be decided.",
      source: house, isAlwaysWritten: true),
    Metric(
      "source", in: [.claims], .text, unit: "", label: "Source",
      formula: "Paper, section, figure.", source: house, isAlwaysWritten: true),
  ]

  /// Columns whose names differ in their ending. They follow the fixed ones, sorted by id.
  static let families: [Metric] = [
    Metric(
      "dam_ios_<B>", in: [.runs], .count, unit: "blocks", label: "DAM cost",
      formula: "Σ over transfers of ⌈bytes ÷ B⌉; the ending is B in bytes.", preference: .smallerIsBetter,
      source: "Aggarwal and Vitter, \"The Input/Output Complexity of Sorting and Related Problems\", 1988."),
    Metric(
      "nodes_<level>", in: [.runs], .count, unit: "nodes", label: "Nodes of a level",
      formula: "Nodes whose distance from the leaves is the level (0: leaves), at the phase's end.",
      source: "Metric definitions, section \"ε-specific\"."),
    Metric(
      "epsilon_effective_<level>", in: [.runs], .real, unit: "", label: "ε, effective",
      formula: "ln(measured fanout) ÷ ln(B) of the level's nodes.",
      source: "Metric definitions, section \"ε-specific\"."),
    Metric(
      "buffer_fill_<level>", in: [.runs], .real, unit: "byte/byte", label: "Buffer fill",
      formula: "Buffered bytes ÷ buffer capacity of the level's nodes, at the phase's end.",
      source: "Metric definitions, section \"ε-specific\"."),
    Metric(
      "memory_peak_<account>_bytes", in: [.runs], .count, unit: "byte", label: "Memory peak of an account",
      formula: "The largest bytes held by one memory account in the phase.", preference: .smallerIsBetter,
      source: house),
    Metric(
      "space_part_<name>_bytes", in: [.runs], .count, unit: "byte", label: "Space of a part",
      formula: "The part of allocated_bytes the engine reports under this name.",
      preference: .smallerIsBetter, source: "Metric definitions, section \"Space amplification\"."),
    Metric(
      "statistic_<name>", in: [.runs], .count, unit: "", label: "Engine statistic",
      formula:
        "A counter of the engine that is not I/O, or of the modelled flash drive (flash_…), over the phase (a level at its end: _used_bytes).",
      source: house),
    Metric(
      "p_<parameter>", in: [.runs], .text, unit: "the parameter's", label: "Parameter",
      formula: "An engine, workload or flash-drive (flash_…) parameter in its canonical spelling.",
      source: house),
  ]
}

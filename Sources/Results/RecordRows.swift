// The rows the runner fills, one type per table.
//
// Column meanings are in the metric registry and nowhere else; here stand only their Swift names and types.

import Accounting

/// How a run or phase ended.
public enum RunStatus: String, CaseIterable, CellConvertible {
  case ok, failed, skipped

  /// The word as a cell.
  public var cell: Cell { .text(rawValue) }
  /// Words.
  public static var cellKind: MetricKind { .text }
  /// The word a cell holds, nil for another.
  public init?(cell: Cell) {
    guard case .text(let word) = cell else { return nil }
    self.init(rawValue: word)
  }
}

/// Columns of `runs.csv`.
public struct RunColumns: ColumnSet {
  /// The table they belong to.
  public static let table = RecordTable.runs
  /// The one instance.
  public static let columns = RunColumns()

  /// What identifies a row.
  public let runID = TypedColumn<String>("run_id"), study = TypedColumn<String>("study"),
    engine = TypedColumn<String>("engine"), label = TypedColumn<String>("label"),
    phase = TypedColumn<String>("phase"), phaseKind = TypedColumn<String>("phase_kind"),
    phaseIndex = TypedColumn<UInt64>("phase_index"), `repeat` = TypedColumn<UInt64>("repeat"),
    seed = TypedColumn<UInt64>("seed"), status = TypedColumn<RunStatus>("status"),
    reason = TypedColumn<String>("reason")

  /// What a run was given.
  public let batchOperations = TypedColumn<UInt64>("batch_operations"),
    syncEveryCommits = TypedColumn<UInt64>("sync_every_commits"),
    durabilityClass = TypedColumn<String>("durability_class"), records = TypedColumn<UInt64>("records"),
    memoryBudgetBytes = TypedColumn<UInt64>("memory_budget_bytes"),
    dataMemoryRatio = TypedColumn<Double>("data_memory_ratio"),
    cacheTemperature = TypedColumn<String>("cache_temperature"),
    streamHash = TypedColumn<String>("stream_hash"),
    answersChecked = TypedColumn<UInt64>("answers_checked")

  /// Operations and the device's own counters.
  public let operations = TypedColumn<UInt64>("operations"),
    logicalWriteBytes = TypedColumn<UInt64>("logical_write_bytes"),
    returnedBytes = TypedColumn<UInt64>("returned_bytes"),
    deviceReadCount = TypedColumn<UInt64>("device_read_count"),
    deviceReadBytes = TypedColumn<UInt64>("device_read_bytes"),
    deviceWriteCount = TypedColumn<UInt64>("device_write_count"),
    deviceWriteBytes = TypedColumn<UInt64>("device_write_bytes"),
    deviceSyncCount = TypedColumn<UInt64>("device_sync_count"),
    deviceDiscardBytes = TypedColumn<UInt64>("device_discard_bytes"),
    requestedReadBytes = TypedColumn<UInt64>("requested_read_bytes"),
    requestedWriteBytes = TypedColumn<UInt64>("requested_write_bytes")

  /// Write amplification.
  public let waDataAck = TypedColumn<Double>("wa_data_ack"), waDataEnd = TypedColumn<Double>("wa_data_end"),
    waDataSettled = TypedColumn<Double>("wa_data_settled"),
    waTotalAck = TypedColumn<Double>("wa_total_ack"), waTotalEnd = TypedColumn<Double>("wa_total_end"),
    waTotalSettled = TypedColumn<Double>("wa_total_settled"),
    waFlashAck = TypedColumn<Double>("wa_flash_ack"), waFlashEnd = TypedColumn<Double>("wa_flash_end"),
    waFlashSettled = TypedColumn<Double>("wa_flash_settled"),
    settleDebtBytes = TypedColumn<UInt64>("settle_debt_bytes")

  /// Read amplification.
  public let raIos = TypedColumn<Double>("ra_ios"), raIosHit = TypedColumn<Double>("ra_ios_hit"),
    raIosMiss = TypedColumn<Double>("ra_ios_miss"), raIosScan = TypedColumn<Double>("ra_ios_scan"),
    raBytes = TypedColumn<Double>("ra_bytes"), raBytesHit = TypedColumn<Double>("ra_bytes_hit"),
    raBytesScan = TypedColumn<Double>("ra_bytes_scan"),
    readBytesPerOperation = TypedColumn<Double>("read_bytes_per_operation"),
    readBytesPerOperationHit = TypedColumn<Double>("read_bytes_per_operation_hit"),
    readBytesPerOperationMiss = TypedColumn<Double>("read_bytes_per_operation_miss"),
    readBytesPerOperationScan = TypedColumn<Double>("read_bytes_per_operation_scan"),
    raStruct = TypedColumn<Double>("ra_struct")

  /// The deterministic tail of reading.
  public let readTransfersPerOperationP50 = TypedColumn<UInt64>("read_transfers_per_operation_p50"),
    readTransfersPerOperationP90 = TypedColumn<UInt64>("read_transfers_per_operation_p90"),
    readTransfersPerOperationP99 = TypedColumn<UInt64>("read_transfers_per_operation_p99"),
    readTransfersPerOperationP999 = TypedColumn<UInt64>("read_transfers_per_operation_p999"),
    readTransfersPerOperationMax = TypedColumn<UInt64>("read_transfers_per_operation_max"),
    readBytesPerOperationP50 = TypedColumn<UInt64>("read_bytes_per_operation_p50"),
    readBytesPerOperationP90 = TypedColumn<UInt64>("read_bytes_per_operation_p90"),
    readBytesPerOperationP99 = TypedColumn<UInt64>("read_bytes_per_operation_p99"),
    readBytesPerOperationP999 = TypedColumn<UInt64>("read_bytes_per_operation_p999"),
    readBytesPerOperationMax = TypedColumn<UInt64>("read_bytes_per_operation_max")

  /// Leaves written, and the tail of what commits move.
  public let leafWriteCount = TypedColumn<UInt64>("leaf_write_count"),
    transfersPerCommitP50 = TypedColumn<UInt64>("transfers_per_commit_p50"),
    transfersPerCommitP99 = TypedColumn<UInt64>("transfers_per_commit_p99"),
    transfersPerCommitP999 = TypedColumn<UInt64>("transfers_per_commit_p999"),
    transfersPerCommitMax = TypedColumn<UInt64>("transfers_per_commit_max"),
    transferBytesPerCommitP50 = TypedColumn<UInt64>("transfer_bytes_per_commit_p50"),
    transferBytesPerCommitP99 = TypedColumn<UInt64>("transfer_bytes_per_commit_p99"),
    transferBytesPerCommitP999 = TypedColumn<UInt64>("transfer_bytes_per_commit_p999"),
    transferBytesPerCommitMax = TypedColumn<UInt64>("transfer_bytes_per_commit_max")

  /// Space amplification and its split.
  public let saLive = TypedColumn<Double>("sa_live"), saPeak = TypedColumn<Double>("sa_peak"),
    saSettled = TypedColumn<Double>("sa_settled"), allocatedBytes = TypedColumn<UInt64>("allocated_bytes"),
    liveLogicalBytes = TypedColumn<UInt64>("live_logical_bytes"),
    freeLargestExtent = TypedColumn<UInt64>("free_largest_extent"),
    spaceLiveBytes = TypedColumn<UInt64>("space_live_bytes"),
    spaceCellOverheadBytes = TypedColumn<UInt64>("space_cell_overhead_bytes"),
    spacePageSlackBytes = TypedColumn<UInt64>("space_page_slack_bytes"),
    spaceDeadVersionsBytes = TypedColumn<UInt64>("space_dead_versions_bytes"),
    spaceBufferedMessagesBytes = TypedColumn<UInt64>("space_buffered_messages_bytes"),
    spaceMetadataBytes = TypedColumn<UInt64>("space_metadata_bytes"),
    spaceLogBytes = TypedColumn<UInt64>("space_log_bytes")

  /// Modelled cost and memory.
  public let affineMs = TypedColumn<Double>("affine_ms"), pdamSteps = TypedColumn<UInt64>("pdam_steps"),
    deviceS = TypedColumn<Double>("device_s"),
    memoryPeakBytes = TypedColumn<UInt64>("memory_peak_bytes")

  /// Recovery.
  public let recoveryReadCount = TypedColumn<UInt64>("recovery_read_count"),
    recoveryReadBytes = TypedColumn<UInt64>("recovery_read_bytes"),
    recoveryWriteBytes = TypedColumn<UInt64>("recovery_write_bytes"),
    recoveryDeviceS = TypedColumn<Double>("recovery_device_s"),
    recoveryLostOperations = TypedColumn<UInt64>("recovery_lost_operations")

  /// What only write-optimised trees have.
  public let epsilonConfigured = TypedColumn<Double>("epsilon_configured"),
    epsilonUnit = TypedColumn<String>("epsilon_unit"),
    messagesPerFlushP50 = TypedColumn<UInt64>("messages_per_flush_p50"),
    messagesPerFlushP95 = TypedColumn<UInt64>("messages_per_flush_p95"),
    height = TypedColumn<UInt64>("height"), fanout = TypedColumn<Double>("fanout")
}

/// One row of `runs.csv`: one run and phase.
public typealias RunRow = Row<RunColumns>

extension Row where Columns == RunColumns {
  /// Sets the column `p_<name>` of an engine or workload parameter, in its canonical spelling.
  public mutating func setParameter(_ name: String, _ spelling: String) {
    set("p_<parameter>", ending: name, .text(spelling))
  }

  /// Sets the column `dam_ios_<B>`.
  ///
  /// - Parameters:
  ///   - count: Σ ⌈bytes ÷ B⌉ over the phase's transfers.
  ///   - blockByteCount: B, in bytes.
  public mutating func setDiskAccessModelCount(_ count: UInt64, blockByteCount: Int) {
    set("dam_ios_<B>", ending: String(blockByteCount), .count(count))
  }

  /// Sets the column `statistic_<name>`.
  public mutating func setStatistic(_ name: String, _ value: UInt64) {
    set("statistic_<name>", ending: name, .count(value))
  }

  /// Sets the column `space_part_<name>_bytes` of an engine's space report.
  public mutating func setSpacePart(_ name: String, byteCount: UInt64) {
    set("space_part_<name>_bytes", ending: name, .count(byteCount))
  }

  /// Sets the column `memory_peak_<account>_bytes`.
  public mutating func setMemoryPeak(of account: MemoryAccount, byteCount: Int) {
    set("memory_peak_<account>_bytes", ending: account.name, .count(UInt64(byteCount)))
  }
}

/// Columns of `io.csv`.
public struct IOColumns: ColumnSet {
  /// The table they belong to.
  public static let table = RecordTable.io
  /// The one instance.
  public static let columns = IOColumns()

  /// What identifies a row.
  public let runID = TypedColumn<String>("run_id"), phase = TypedColumn<String>("phase"),
    direction = TypedColumn<String>("direction"), cause = TypedColumn<String>("cause"),
    level = TypedColumn<UInt64>("level")

  /// What was counted.
  public let requestedOperations = TypedColumn<UInt64>("requested_operations"),
    requestedBytes = TypedColumn<UInt64>("requested_bytes"),
    transferredOperations = TypedColumn<UInt64>("transferred_operations"),
    transferredBytes = TypedColumn<UInt64>("transferred_bytes"),
    deviceSequential = TypedColumn<UInt64>("device_sequential"),
    streamSequential = TypedColumn<UInt64>("stream_sequential")
}

/// One row of `io.csv`: one (direction, cause, level) of a run and phase.
public typealias IORow = Row<IOColumns>

extension Row where Columns == IOColumns {
  /// The row of one cell of a ledger.
  public init(runID: String, phase: String, _ row: IOLedger.Row) {
    self.init(runID: runID, phase: phase)
    self.direction = row.direction.name
    self.cause = row.cause.name
    self.level = row.level.number.map { UInt64($0) }
    self.requestedOperations = row.count.requestedOperationCount
    self.requestedBytes = row.count.requestedByteCount
    self.transferredOperations = row.count.transferredOperationCount
    self.transferredBytes = row.count.transferredByteCount
    self.deviceSequential = row.count.deviceSequentialCount
    self.streamSequential = row.count.streamSequentialCount
  }

  /// The rows of a phase's ledger (the difference of the ledger at its end and at its start), in file order.
  public static func rows(runID: String, phase: String, ledger: IOLedger) -> [IORow] {
    ledger.rows.map { IORow(runID: runID, phase: phase, $0) }
  }
}

/// Columns of `series.csv`.
public struct SeriesColumns: ColumnSet {
  /// The table they belong to.
  public static let table = RecordTable.series
  /// The one instance.
  public static let columns = SeriesColumns()

  /// What identifies a row.
  public let runID = TypedColumn<String>("run_id"), phase = TypedColumn<String>("phase"),
    operations = TypedColumn<UInt64>("operations")

  /// Counters since the phase began.
  public let logicalWriteBytes = TypedColumn<UInt64>("logical_write_bytes"),
    returnedBytes = TypedColumn<UInt64>("returned_bytes"),
    deviceReadCount = TypedColumn<UInt64>("device_read_count"),
    deviceReadBytes = TypedColumn<UInt64>("device_read_bytes"),
    deviceWriteCount = TypedColumn<UInt64>("device_write_count"),
    deviceWriteBytes = TypedColumn<UInt64>("device_write_bytes"),
    deviceSyncCount = TypedColumn<UInt64>("device_sync_count"),
    dataWriteBytes = TypedColumn<UInt64>("data_write_bytes"),
    totalWriteBytes = TypedColumn<UInt64>("total_write_bytes"),
    allocatedBytes = TypedColumn<UInt64>("allocated_bytes"), deviceS = TypedColumn<Double>("device_s"),
    memoryHeldBytes = TypedColumn<UInt64>("memory_held_bytes")
}

/// One row of `series.csv`: the counters of a run and phase after some operations.
public typealias SeriesRow = Row<SeriesColumns>

extension Row where Columns == SeriesColumns {
  /// A sample after `operations` operations of the phase.
  ///
  /// - Parameters:
  ///   - ledger: what moved since the phase began; fills the two write-byte columns.
  ///   - logicalWriteByteCount: logical bytes acknowledged since the phase began.
  public init(
    runID: String, phase: String, operations: UInt64, ledger: IOLedger, logicalWriteByteCount: UInt64
  ) {
    self.init(runID: runID, phase: phase)
    self.operations = operations
    self.logicalWriteBytes = logicalWriteByteCount
    self.dataWriteBytes = ledger.total(.write, CauseClass.data).transferredByteCount
    self.totalWriteBytes = ledger.workloadTotal(.write).transferredByteCount
  }
}

/// Columns of `histograms.csv`.
public struct HistogramColumns: ColumnSet {
  /// The table they belong to.
  public static let table = RecordTable.histograms
  /// The one instance.
  public static let columns = HistogramColumns()

  /// Every column.
  public let runID = TypedColumn<String>("run_id"), phase = TypedColumn<String>("phase"),
    histogram = TypedColumn<String>("histogram"), bucketLower = TypedColumn<UInt64>("bucket_lower"),
    bucketUpper = TypedColumn<UInt64>("bucket_upper"), count = TypedColumn<UInt64>("count")
}

/// One row of `histograms.csv`: one bucket.
public typealias HistogramRow = Row<HistogramColumns>

extension Row where Columns == HistogramColumns {
  /// A bucket of the values `bucket`, both ends included.
  public init(
    runID: String, phase: String, histogram: String, bucket: ClosedRange<UInt64>, count: UInt64
  ) {
    self.init(runID: runID, phase: phase)
    self.histogram = histogram
    self.bucketLower = bucket.lowerBound
    self.bucketUpper = bucket.upperBound
    self.count = count
  }
}

/// Columns of `timing.csv`.
public struct TimingColumns: ColumnSet {
  /// The table they belong to.
  public static let table = RecordTable.timing
  /// The one instance.
  public static let columns = TimingColumns()

  /// Every column.
  public let runID = TypedColumn<String>("run_id"), phase = TypedColumn<String>("phase"),
    wallS = TypedColumn<Double>("wall_s"), cpuUserS = TypedColumn<Double>("cpu_user_s"),
    cpuSysS = TypedColumn<Double>("cpu_sys_s"), opsPerS = TypedColumn<Double>("ops_per_s"),
    cpuUsPerOperation = TypedColumn<Double>("cpu_us_per_operation"),
    kernelReadBytes = TypedColumn<UInt64>("kernel_read_bytes"),
    kernelWriteBytes = TypedColumn<UInt64>("kernel_write_bytes"),
    kernelWriteResidualBytes = TypedColumn<Double>("kernel_write_residual_bytes"),
    recoveryWallS = TypedColumn<Double>("recovery_wall_s")
}

/// One row of `timing.csv`: one run and phase.
public typealias TimingRow = Row<TimingColumns>

extension Row where Columns == TimingColumns {
  /// A measured phase; operations per second and CPU per operation follow from the four numbers.
  public init(
    runID: String, phase: String, wallSeconds: Double, userSeconds: Double, systemSeconds: Double,
    operationCount: UInt64
  ) {
    self.init(runID: runID, phase: phase)
    self.wallS = wallSeconds
    self.cpuUserS = userSeconds
    self.cpuSysS = systemSeconds
    if operationCount > 0 {
      self.opsPerS = Throughput.operationsPerSecond(operationCount: operationCount, seconds: wallSeconds)
    }
    self.cpuUsPerOperation = Throughput.cpuMicrosecondsPerOperation(
      userSeconds: userSeconds, systemSeconds: systemSeconds, operationCount: operationCount)
  }
}

/// Columns of `latency.csv`.
public struct LatencyColumns: ColumnSet {
  /// The table they belong to.
  public static let table = RecordTable.latency
  /// The one instance.
  public static let columns = LatencyColumns()

  /// Every column.
  public let runID = TypedColumn<String>("run_id"), phase = TypedColumn<String>("phase"),
    operation = TypedColumn<String>("operation"), timeKind = TypedColumn<String>("time_kind"),
    count = TypedColumn<UInt64>("count"), latencyMeanNs = TypedColumn<Double>("latency_mean_ns"),
    latencyP50Ns = TypedColumn<UInt64>("latency_p50_ns"),
    latencyP90Ns = TypedColumn<UInt64>("latency_p90_ns"),
    latencyP99Ns = TypedColumn<UInt64>("latency_p99_ns"),
    latencyP999Ns = TypedColumn<UInt64>("latency_p999_ns"),
    latencyMaxNs = TypedColumn<UInt64>("latency_max_ns")
}

/// One row of `latency.csv`: one operation kind of a run and phase.
public typealias LatencyRow = Row<LatencyColumns>

/// What checking a claim found.
public enum ClaimVerdict: String, CaseIterable, CellConvertible {
  /// The whole interval satisfies the claim.
  case held
  /// No part of the interval does.
  case notHeld = "not_held"
  /// The interval reaches across a bound, or there is nothing to decide it by; the explanation says which.
  case notDecidable = "not_decidable"

  /// The word as a cell.
  public var cell: Cell { .text(rawValue) }
  /// Words.
  public static var cellKind: MetricKind { .text }
  /// The word a cell holds, nil for another.
  public init?(cell: Cell) {
    guard case .text(let word) = cell else { return nil }
    self.init(rawValue: word)
  }
}

/// Columns of `claims.csv`.
public struct ClaimColumns: ColumnSet {
  /// The table they belong to.
  public static let table = RecordTable.claims
  /// The one instance.
  public static let columns = ClaimColumns()

  /// Every column.
  public let claim = TypedColumn<String>("claim"), sentence = TypedColumn<String>("sentence"),
    figure = TypedColumn<String>("figure"), kind = TypedColumn<String>("claim_kind"),
    metric = TypedColumn<String>("metric"), verdict = TypedColumn<ClaimVerdict>("verdict"),
    expected = TypedColumn<String>("expected"), measured = TypedColumn<Double>("measured"),
    measuredLower = TypedColumn<Double>("measured_lower"),
    measuredUpper = TypedColumn<Double>("measured_upper"),
    tolerance = TypedColumn<String>("tolerance"), explanation = TypedColumn<String>("explanation"),
    source = TypedColumn<String>("source")
}

/// One row of `claims.csv`: one checked sentence.
public typealias ClaimRow = Row<ClaimColumns>

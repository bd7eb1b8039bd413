// A record as a real study leaves it, in the ranges that hurt: write amplification from 1 to 5,000, engines of
// different sizes, a skipped run, a missing number. Made by arithmetic alone.

import Accounting
import Results

/// Builds the sample record.
enum SampleRecord {
  /// How one engine behaves.
  struct Behaviour {
    var label: String
    var engine: String
    var records: UInt64
    /// Write bytes per logical byte by cause.
    var causes: [(Cause, Double)]
    var readTransfers: (cold: Double, warm: Double)
    var bytesPerTransfer: Double
    var space: (settled: Double, live: Double, peak: Double)
    var cpuMicroseconds: Double
  }

  static let wide: [Behaviour] = [
    Behaviour(
      label: "append-log", engine: "append-log", records: 20_000,
      causes: [(.record, 1.0), (.superblock, 0.002), (.padding, 0.018)], readTransfers: (1.0, 0.62),
      bytesPerTransfer: 4096, space: (1.02, 1.02, 1.02), cpuMicroseconds: 0.6),
    Behaviour(
      label: "sorted-file", engine: "sorted-file", records: 20_000,
      causes: [(.sortedRun, 5003.2), (.superblock, 9.1), (.padding, 1.4)], readTransfers: (9.8, 3.1),
      bytesPerTransfer: 4096, space: (1.01, 1.01, 2.02), cpuMicroseconds: 310),
    Behaviour(
      label: "sqlite-wal", engine: "sqlite", records: 1_000_000,
      causes: [
        (.walLeaf, 24.1), (.walInterior, 0.9), (.walFrameHeader, 0.15), (.checkpointLeaf, 22.4),
        (.checkpointInterior, 0.6), (.databaseHeader, 0.03), (.padding, 1.9),
      ], readTransfers: (3.4, 1.21), bytesPerTransfer: 4300, space: (1.52, 1.58, 1.71), cpuMicroseconds: 11.2),
  ]

  static let near: [Behaviour] = [
    wide[2],
    Behaviour(
      label: "sqlite-rollback", engine: "sqlite", records: 1_000_000,
      causes: [
        (.leaf, 23.0), (.interior, 0.8), (.databaseHeader, 0.3), (.journalPage, 24.6), (.journalHeader, 0.5),
        (.fileDirectory, 2.1), (.padding, 4.9),
      ], readTransfers: (3.4, 1.20), bytesPerTransfer: 4096, space: (1.50, 1.50, 1.83), cpuMicroseconds: 14.9),
    Behaviour(
      label: "b-epsilon-tree", engine: "b-epsilon-tree", records: 1_000_000,
      causes: [
        (.leaf, 7.3), (.interior, 1.2), (.buffer, 4.1), (.log, 1.1), (.superblock, 0.02),
        (.nodeDirectory, 0.4), (.padding, 0.2),
      ], readTransfers: (2.1, 0.7), bytesPerTransfer: 65536, space: (1.31, 1.36, 1.6), cpuMicroseconds: 3.2),
    Behaviour(
      label: "lsm-tree", engine: "lsm-tree", records: 1_000_000,
      causes: [
        (.flush, 1.1), (.compaction, 9.8), (.filter, 0.1), (.tableIndex, 0.1), (.log, 1.05),
        (.manifest, 0.01),
        (.padding, 0.05),
      ], readTransfers: (2.8, 1.6), bytesPerTransfer: 4600, space: (1.12, 1.21, 1.95), cpuMicroseconds: 2.7),
  ]

  /// A record of `behaviours`, `repeats` times each.
  static func make(_ behaviours: [Behaviour] = wide, repeats: UInt64 = 1, skips: Bool = true) -> Record {
    var record = Record(manifest: manifest(behaviours))
    for number in 0..<repeats {
      for behaviour in behaviours { append(behaviour, number, to: &record) }
    }
    if skips {
      var row = RunRow(runID: "null-0", phase: "load")
      fill(&row, "null", "null", 20_000, 0)
      row.phaseKind = "load"
      row.phaseIndex = 0
      row.status = .skipped
      row.reason = "the null engine stores nothing, and check_answers is on"
      record.runs.append(row)
    }
    return record
  }

  private static func fill(
    _ row: inout RunRow, _ label: String, _ engine: String, _ records: UInt64, _ number: UInt64
  ) {
    row.study = "quickstart"
    row.engine = engine
    row.label = label
    row.repeat = number
    row.seed = 1 + number
    row.records = records
    row.batchOperations = 1000
    row.syncEveryCommits = 0
    row.durabilityClass = "prefix"
    row.memoryBudgetBytes = 14 << 20
    row.memoryPeakBytes = 13 << 20
    row.streamHash = "00000000deadbeef"
    row.setParameter("key_bytes", "16")
  }

  private static func append(_ behaviour: Behaviour, _ number: UInt64, to record: inout Record) {
    let run = "\(behaviour.label)-\(number)"
    let logical = behaviour.records * 116
    let wobble = 1 + 0.02 * Double(number)
    var load = RunRow(runID: run, phase: "load")
    fill(&load, behaviour.label, behaviour.engine, behaviour.records, number)
    load.phaseKind = "load"
    load.phaseIndex = 0
    load.status = .ok
    load.operations = behaviour.records
    load.logicalWriteBytes = logical
    var ledger = IOLedger()
    for (cause, value) in behaviour.causes {
      var count = IOCount()
      count.transferredByteCount = UInt64(value * wobble * Double(logical))
      count.transferredOperationCount = count.transferredByteCount / 8192
      count.requestedByteCount = count.transferredByteCount
      ledger.add(count, direction: .write, cause: cause, level: .none)
    }
    load.deviceWriteBytes = ledger.total(.write).transferredByteCount
    load.deviceWriteCount = ledger.total(.write).transferredOperationCount
    load.waDataEnd = WriteAmplification.data(ledger: ledger, logicalWriteByteCount: logical)
    load.waTotalEnd = WriteAmplification.total(ledger: ledger, logicalWriteByteCount: logical)
    load.raIos = 0
    load.saSettled = behaviour.space.settled
    load.saLive = behaviour.space.live
    load.saPeak = behaviour.space.peak
    load.deviceS = Double(load.deviceWriteBytes ?? 0) / 2e9
    record.runs.append(load)
    record.io += IORow.rows(runID: run, phase: "load", ledger: ledger)
    appendSeries(behaviour, run, logical, load, to: &record)
    appendTiming(behaviour, run, "load", behaviour.records, to: &record)
    for (index, phase) in ["cold_read", "warm_read"].enumerated() {
      var read = RunRow(runID: run, phase: phase)
      fill(&read, behaviour.label, behaviour.engine, behaviour.records, number)
      read.phaseKind = "read"
      read.phaseIndex = UInt64(2 + index)
      read.status = .ok
      read.operations = 10_000
      read.returnedBytes = 1_160_000
      read.cacheTemperature = index == 0 ? "cold" : "warm"
      let transfers = (index == 0 ? behaviour.readTransfers.cold : behaviour.readTransfers.warm) * wobble
      read.raIos = transfers
      read.readBytesPerOperation = transfers * behaviour.bytesPerTransfer
      read.raBytes = transfers * behaviour.bytesPerTransfer / 116
      read.deviceS = transfers * 0.9
      record.runs.append(read)
      appendTiming(behaviour, run, phase, 10_000, to: &record)
    }
  }

  private static func appendSeries(
    _ behaviour: Behaviour, _ run: String, _ logical: UInt64, _ load: RunRow, to record: inout Record
  ) {
    for step in 1...40 as ClosedRange<UInt64> {
      let share = Double(step) / 40
      // A tree's amplification grows while its cache fills; a log's does not.
      let growth = (load.waDataEnd ?? 1) < 1.5 ? 1 : share * (2 - share)
      var row = SeriesRow(runID: run, phase: "load")
      row.operations = behaviour.records * step / 40
      row.logicalWriteBytes = logical * step / 40
      row.dataWriteBytes = UInt64((load.waDataEnd ?? 0) * growth * share * Double(logical))
      row.totalWriteBytes = UInt64((load.waTotalEnd ?? 0) * growth * share * Double(logical))
      row.deviceReadCount = step * 10
      record.series.append(row)
    }
  }

  private static func appendTiming(
    _ behaviour: Behaviour, _ run: String, _ phase: String, _ operations: UInt64, to record: inout Record
  ) {
    let seconds = behaviour.cpuMicroseconds * Double(operations) / 1e6
    record.timing.append(
      TimingRow(
        runID: run, phase: phase, wallSeconds: seconds * 1.1, userSeconds: seconds * 0.9,
        systemSeconds: seconds * 0.1, operationCount: operations))
  }

  private static func manifest(_ behaviours: [Behaviour]) -> Manifest {
    Manifest(
      study: Manifest.Study(
        id: "quickstart", title: "One screen from clone to plot",
        question: "What does one inserted or read byte cost the device, and why?", scale: "laptop",
        resolved: .object(["schema": .integer(1)])),
      figures: [
        FigureRequest(figure: "write_amplification", phases: ["load"]),
        FigureRequest(figure: "write_amplification_by_cause", phases: ["load"]),
        FigureRequest(figure: "read_amplification", phases: ["cold_read", "warm_read"]),
        FigureRequest(figure: "amplification_over_operations", phases: ["load"]),
        FigureRequest(figure: "space_amplification", phases: ["load"]),
      ], seeds: [1],
      program: Manifest.Program(
        commit: "0123456789abcdef", hasUncommittedChanges: false, compiler: "Swift 6.3.1", flags: ["-O"],
        packages: ["Yams": "6.2.2"]),
      machine: Manifest.Machine(
        processor: "Example CPU", processorCount: 2, memoryByteCount: 24 << 30, kernel: "Linux 6.1",
        fileSystem: "", device: "memory"),
      engines: behaviours.map {
        Manifest.EngineReadBack(
          label: $0.label, engine: $0.engine, formatVersion: 1, settings: ["page_size": "4096"])
      }, start: "2000-01-01T00:00:00Z", end: "2000-01-01T00:01:00Z",
      limits: ["Counts are exact on the memory device; times are not comparable between machines."])
  }
}

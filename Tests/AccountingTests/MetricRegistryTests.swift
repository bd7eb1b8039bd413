// Goal: every number has exactly one meaning, and the formulas are the ones the registry states.
// Method: the registry is checked against the list of columns a record promises; formulas against ledgers whose
// sums are known by construction, with one canary cause that must not count.

import Testing

@testable import Accounting

@Suite struct MetricRegistryTests {
  /// What `runs.csv` always has, whatever else it has.
  static let promised = [
    "run_id", "study", "engine", "phase", "repeat", "seed", "status", "reason", "batch_operations",
    "sync_every_commits", "durability_class", "operations", "logical_write_bytes", "device_read_count",
    "device_read_bytes", "device_write_count", "device_write_bytes", "device_sync_count",
    "requested_write_bytes", "wa_data_end", "wa_total_end", "wa_total_settled", "ra_ios", "ra_bytes",
    "sa_settled", "device_s", "memory_budget_bytes", "memory_peak_bytes", "stream_hash",
  ]

  @Test func everyPromisedColumnIsAlwaysWritten() {
    let written = MetricRegistry.columns(of: .runs).filter(\.isAlwaysWritten).map(\.id)
    for id in Self.promised { #expect(written.contains(id), "\(id)") }
    let timing = MetricRegistry.columns(of: .timing).map(\.id)
    for id in ["run_id", "phase", "wall_s", "cpu_user_s", "cpu_sys_s", "ops_per_s"] {
      #expect(timing.contains(id))
    }
    for table in RecordTable.allCases {
      #expect(MetricRegistry.columns(of: table).first?.id == "schema_version")
    }
  }

  @Test func idsAreUniqueAndEntriesComplete() {
    let all = MetricRegistry.entries + MetricRegistry.families
    #expect(Set(all.map(\.id)).count == all.count)
    for metric in all {
      let lawful = metric.id.utf8.allSatisfy {
        ($0 >= 97 && $0 <= 122) || ($0 >= 48 && $0 <= 57) || $0 == 95 || $0 == 60 || $0 == 62 || $0 == 66
      }
      #expect(lawful, "\(metric.id)")
      #expect(!metric.tables.isEmpty && !metric.formula.isEmpty && !metric.source.isEmpty, "\(metric.id)")
      #expect(metric.kind == .text || metric.id == "schema_version" || !metric.label.isEmpty, "\(metric.id)")
      if metric.isClockDependent {
        let isApart = metric.tables.allSatisfy { $0.isClockDependent }
        #expect(isApart, "\(metric.id) would make a table differ")
      }
    }
  }

  @Test func familiesResolveTheirColumns() {
    #expect(MetricRegistry.entry("dam_ios_4096")?.id == "dam_ios_<B>")
    #expect(MetricRegistry.entry("p_page_bytes")?.id == "p_<parameter>")
    #expect(MetricRegistry.entry("memory_peak_frames_bytes")?.id == "memory_peak_<account>_bytes")
    #expect(MetricRegistry.entry("memory_peak_bytes")?.id == "memory_peak_bytes")
    #expect(MetricRegistry.entry("p_") == nil)
    #expect(MetricRegistry.identifier(of: "space_part_<name>_bytes", "wal") == "space_part_wal_bytes")
    #expect(MetricRegistry.allows("dam_ios_512", in: .runs))
    #expect(!MetricRegistry.allows("dam_ios_512", in: .io))
    #expect(!MetricRegistry.allows("wall_s", in: .runs))
    // No fixed column is mistaken for a family's.
    for metric in MetricRegistry.entries { #expect(MetricRegistry.entry(metric.id) == metric) }
  }

  @Test func explainSaysTheEntryOrTheNearest() {
    let text = MetricRegistry.explain("wa_total_end")
    #expect(text.contains("÷ logical_write_bytes"))
    #expect(text.contains("smaller is better"))
    #expect(text.contains("runs.csv"))
    #expect(MetricRegistry.nearest(to: "wa_totl_end").first == "wa_total_end")
    #expect(MetricRegistry.nearest(to: "ops_per_sec").first == "ops_per_s")
    #expect(MetricRegistry.nearest(to: "fanuot").first == "fanout")
    #expect(MetricRegistry.explain("nonsense").hasPrefix("There is no metric 'nonsense'. Nearest: "))
    #expect(MetricRegistry.explain("dam_ios_4096").contains("of the family dam_ios_<B>"))
  }

  @Test func dictionaryNamesEveryColumnAndCause() {
    let text = MetricRegistry.dictionary
    for metric in MetricRegistry.entries + MetricRegistry.families {
      #expect(text.contains("`\(metric.id)`"))
    }
    for cause in Cause.allCases { #expect(text.contains("| `\(cause.name)` |")) }
    // Nine cells in each row of a table of columns: a stray bar would break one.
    for line in text.split(separator: "\n") where line.hasPrefix("| `") && !line.contains("`padding`") {
      let bars = line.split(separator: "|", omittingEmptySubsequences: false).count
      #expect(bars == 11 || bars == 5, "\(line)")
    }
  }
}

@Suite struct MetricFormulaTests {
  /// A ledger in which cause c wrote 2^k bytes, so that every sum names its parts.
  static func ledger() -> (ledger: IOLedger, bytes: [Cause: UInt64]) {
    var ledger = IOLedger()
    var bytes: [Cause: UInt64] = [:]
    for (index, cause) in Cause.allCases.enumerated() {
      var count = IOCount()
      count.transferredByteCount = 1 << UInt64(index % 50)
      count.transferredOperationCount = 1
      ledger.add(count, direction: .write, cause: cause, level: .number(index % 3))
      count.transferredByteCount *= 3
      ledger.add(count, direction: .read, cause: cause, level: .none)
      bytes[cause] = 1 << UInt64(index % 50)
    }
    return (ledger, bytes)
  }

  @Test func writeAmplificationSumsClassesWithoutVerification() {
    let (ledger, bytes) = Self.ledger()
    func sum(_ isIn: (Cause) -> Bool) -> UInt64 {
      Cause.allCases.filter { isIn($0) && $0 != .verification }.reduce(0) { $0 + (bytes[$1] ?? 0) }
    }
    let data = WriteAmplification.data(ledger: ledger, logicalWriteByteCount: 2)
    #expect(data == Double(sum { $0.causeClass == .data }) / 2)
    let total = WriteAmplification.total(ledger: ledger, logicalWriteByteCount: 2)
    #expect(total == Double(sum { _ in true }) / 2)
    var shares = 0.0
    for causeClass in CauseClass.allCases {
      let share = WriteAmplification.share(of: causeClass, ledger: ledger, logicalWriteByteCount: 2)
      shares += share ?? .infinity
    }
    #expect(shares == total)
  }

  @Test func readAmplificationCountsTransfersAndBytes() {
    let (ledger, bytes) = Self.ledger()
    let causes = Cause.allCases.count - 1
    #expect(ReadAmplification.transfers(ledger: ledger, operationCount: 4) == Double(causes) / 4)
    let read = Cause.allCases.filter { $0 != .verification }.reduce(0) { $0 + 3 * (bytes[$1] ?? 0) }
    #expect(ReadAmplification.bytes(ledger: ledger, returnedByteCount: 8) == Double(read) / 8)
    #expect(ReadAmplification.bytesPerOperation(ledger: ledger, operationCount: 8) == Double(read) / 8)
  }

  @Test func noDenominatorNoNumber() {
    let (ledger, _) = Self.ledger()
    #expect(WriteAmplification.data(ledger: ledger, logicalWriteByteCount: 0) == nil)
    #expect(WriteAmplification.total(ledger: ledger, logicalWriteByteCount: 0) == nil)
    #expect(WriteAmplification.flash(programmedByteCount: 9, logicalWriteByteCount: 0) == nil)
    #expect(ReadAmplification.transfers(ledger: ledger, operationCount: 0) == nil)
    #expect(ReadAmplification.bytes(ledger: ledger, returnedByteCount: 0) == nil)
    #expect(SpaceAmplification.ratio(allocatedByteCount: 9, liveLogicalByteCount: 0) == nil)
    #expect(Throughput.operationsPerSecond(operationCount: 5, seconds: 0) == nil)
  }

  @Test func modelsChargeEachTransfer() {
    #expect(TransferCharge.diskAccessModel(transferByteCount: 1, blockByteCount: 4096) == 1)
    #expect(TransferCharge.diskAccessModel(transferByteCount: 4096, blockByteCount: 4096) == 1)
    #expect(TransferCharge.diskAccessModel(transferByteCount: 4097, blockByteCount: 4096) == 2)
    #expect(TransferCharge.diskAccessModel(transferByteCount: .max, blockByteCount: 2) == 1 << 63)
    #expect(
      TransferCharge.affine(transferByteCount: 10, setupMilliseconds: 5, millisecondsPerByte: 0.5) == 10)
  }
}

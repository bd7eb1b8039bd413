// Goal: what is written is what is read, to the last bit, and a bad file is refused with its place.
// Method: random rows and random fields from a fixed generator (seeds in the test names), texts made of the
// characters that hurt; every malformed file is a small edit of a good one.

import Accounting
import Testing

@testable import Results

/// A small deterministic generator for tests.
struct TestRandom {
  var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

  mutating func text() -> String {
    let alphabet: [Character] = [
      "a", "Z", "0", ",", "\"", "\n", "\r", "\r\n", " ", "ε", "🌳", "'", ";", "#", "\t",
    ]
    return String((0..<below(8)).map { _ in alphabet[below(alphabet.count)] })
  }

  mutating func real() -> Double {
    while true {
      let value = below(3) == 0 ? Double(below(2000)) / 7 : Double(bitPattern: next())
      if value.isFinite { return value }
    }
  }

  mutating func cell(_ kind: MetricKind) -> Cell {
    switch kind {
    case .text: .text(text())
    case .count: .count(below(2) == 0 ? next() : UInt64(below(100)))
    case .real: .real(real())
    }
  }

  mutating func row<Columns: ColumnSet>(_ type: Columns.Type) -> Row<Columns> {
    var row = Row<Columns>()
    for metric in MetricRegistry.columns(of: Columns.table) where metric.id != "schema_version" {
      if below(3) > 0 { row[metric.id] = cell(metric.kind) }
    }
    if Columns.table == .runs {
      for name in ["page_bytes", "theta", "a,b"] where below(2) == 0 {
        row.set("p_<parameter>", ending: name, .text(text()))
      }
      if below(2) == 0 { row.set("dam_ios_<B>", ending: "4096", .count(next())) }
    }
    return row
  }
}

@Suite struct CommaSeparatedTextTests {
  @Test(arguments: 1...40 as ClosedRange<UInt64>) func roundTrip(seed: UInt64) throws {
    var random = TestRandom(seed: seed)
    let records = (0..<30).map { _ in
      (0..<(2 + random.below(5))).map { _ in random.below(4) == 0 ? nil : random.text() as String? }
    }
    var text = ""
    for record in records { CommaSeparatedText.append(record, to: &text) }
    let read = try CommaSeparatedText.records(Array(text.utf8))
    #expect(read.map { $0.map(\.value) } == records)
  }

  @Test(arguments: 1...60 as ClosedRange<UInt64>) func arbitraryBytesNeverTrap(seed: UInt64) {
    var random = TestRandom(seed: seed)
    let alphabet: [UInt8] = [0, 10, 13, 34, 44, 65, 0xC3, 0xFF, 0x28]
    for _ in 0..<200 {
      let bytes = (0..<random.below(20)).map { _ in alphabet[random.below(alphabet.count)] }
      do {
        for record in try CommaSeparatedText.records(bytes) { #expect(!record.isEmpty) }
      } catch {
        #expect(error.line >= 1 && error.column >= 1)
      }
    }
  }

  @Test func foreignDialectsOfTheStandardAreRead() throws {
    let read = try CommaSeparatedText.records(Array("a,\"b\"\"c\"\r\n\"\",".utf8))
    #expect(read.map { $0.map(\.value) } == [["a", "b\"c"], ["", nil]])
    let lines = try CommaSeparatedText.records(Array("\"x\ny\",1\nz,2".utf8))
    #expect(lines.map { $0[0].line } == [1, 3])
  }

  @Test func badTextsAreRefusedWithTheirPlace() {
    let cases: [(String, Int, Int)] = [
      ("a,b\nc,d\"e\n", 2, 2), ("a,\"b\"c\n", 1, 2), ("a\n\"b", 2, 1), ("a,b\rc", 1, 3),
    ]
    for (text, line, column) in cases {
      do {
        _ = try CommaSeparatedText.records(Array(text.utf8))
        Issue.record("\(text.debugDescription) was read")
      } catch {
        #expect((error.line, error.column) == (line, column), "\(text.debugDescription): \(error)")
      }
    }
  }
}

@Suite struct TableTests {
  func roundTrip<Columns: ColumnSet>(_ type: Columns.Type, seed: UInt64) throws {
    var random = TestRandom(seed: seed)
    let rows = (0..<20).map { _ in random.row(type) }
    let text = Table<Columns>.text(rows)
    let read = try Table<Columns>.rows(Array(text.utf8), file: "t")
    #expect(read == rows)
    #expect(Table<Columns>.text(read) == text)
    // -0.0 equals 0.0; the spellings say more than ==.
    for (row, other) in zip(rows, read) {
      for id in row.filledColumns { #expect(row[id]?.spelling == other[id]?.spelling) }
    }
  }

  @Test(arguments: 1...15 as ClosedRange<UInt64>) func everyTableRoundTrips(seed: UInt64) throws {
    try roundTrip(RunColumns.self, seed: seed)
    try roundTrip(IOColumns.self, seed: seed)
    try roundTrip(SeriesColumns.self, seed: seed)
    try roundTrip(HistogramColumns.self, seed: seed)
    try roundTrip(TimingColumns.self, seed: seed)
    try roundTrip(LatencyColumns.self, seed: seed)
    try roundTrip(ClaimColumns.self, seed: seed)
  }

  /// The ids a column set declares, found by reflection.
  func declared<Columns: ColumnSet>(_ type: Columns.Type) -> [String: MetricKind] {
    var ids: [String: MetricKind] = [:]
    for child in Mirror(reflecting: Columns.columns).children {
      switch child.value {
      case let column as TypedColumn<String>: ids[column.id] = .text
      case let column as TypedColumn<RunStatus>: ids[column.id] = .text
      case let column as TypedColumn<ClaimVerdict>: ids[column.id] = .text
      case let column as TypedColumn<UInt64>: ids[column.id] = .count
      case let column as TypedColumn<Double>: ids[column.id] = .real
      default: Issue.record("\(child.label ?? "?") is not a column")
      }
    }
    return ids
  }

  func compare<Columns: ColumnSet>(_ type: Columns.Type) {
    var registered: [String: MetricKind] = [:]
    for metric in MetricRegistry.columns(of: Columns.table) where metric.id != "schema_version" {
      registered[metric.id] = metric.kind
    }
    #expect(declared(type) == registered)
  }

  @Test func columnSetsAndRegistryAreTheSame() {
    compare(RunColumns.self)
    compare(IOColumns.self)
    compare(SeriesColumns.self)
    compare(HistogramColumns.self)
    compare(TimingColumns.self)
    compare(LatencyColumns.self)
    compare(ClaimColumns.self)
  }

  @Test func missingIsEmptyAndNeverZero() throws {
    var row = RunRow(runID: "r", phase: "read")
    row.waDataEnd = WriteAmplification.data(ledger: IOLedger(), logicalWriteByteCount: 0)
    row.deviceReadCount = 0
    row.reason = ""
    let text = Table<RunColumns>.text([row])
    let lines = text.split(separator: "\n")
    let names = lines[0].split(separator: ",", omittingEmptySubsequences: false)
    let cells = lines[1].split(separator: ",", omittingEmptySubsequences: false)
    #expect(cells[names.firstIndex(of: "wa_data_end") ?? 0] == "")
    #expect(cells[names.firstIndex(of: "device_read_count") ?? 0] == "0")
    #expect(cells[names.firstIndex(of: "reason") ?? 0] == "\"\"")
    #expect(cells[0] == "1" && names[0] == "schema_version")
  }

  @Test func parameterColumnsAreTheSortedUnion() {
    var first = RunRow(runID: "a", phase: "load")
    first.setParameter("zeta", "1")
    var second = RunRow(runID: "b", phase: "load")
    second.setParameter("alpha", "2")
    second.setDiskAccessModelCount(3, blockByteCount: 4096)
    let header = Table<RunColumns>.header([first, second])
    #expect(header.suffix(3) == ["dam_ios_4096", "p_alpha", "p_zeta"])
    #expect(Table<RunColumns>.header([second, first]) == header)
  }

  @Test func ledgerRowsBecomeRows() throws {
    var ledger = IOLedger()
    var count = IOCount()
    count.transferredByteCount = 4096
    count.transferredOperationCount = 1
    ledger.add(count, direction: .write, cause: .leaf, level: .number(0))
    ledger.add(count, direction: .write, cause: .log, level: .none)
    let rows = IORow.rows(runID: "r", phase: "load", ledger: ledger)
    #expect(rows.map(\.cause) == ["leaf", "log"])
    #expect(rows.map(\.level) == [0, nil])
    let sample = SeriesRow(
      runID: "r", phase: "load", operations: 10, ledger: ledger, logicalWriteByteCount: 100)
    #expect(sample.dataWriteBytes == 4096 && sample.totalWriteBytes == 8192)
  }

  static let good =
    "schema_version,claim,sentence,figure,verdict,expected,measured,tolerance,explanation,source\n"

  @Test func badTablesAreRefusedWithFileLineColumn() {
    let cases: [(text: String, line: Int, column: Int, part: String)] = [
      ("", 1, 1, "header"),
      (Self.good + "2,c,s,f,holds,,1.5,,,\n", 2, 1, "schema version"),
      (Self.good + "1,c,s,f,holds,,1.5,,\n", 2, 10, "9 fields"),
      (Self.good + "1,c,s,f,holds,,nan,,,\n", 2, 7, "'nan' is not a real"),
      (Self.good + "1,c,\"two\nlines\",f,holds,,0x1p3,,,\n1,c,s,f,holds,,x,,,\n", 3, 7, "0x1p3"),
      (Self.good + "1,c,\"two\nlines\",f,holds,,1,,,\n1,c,s,f,holds,,x,,,\n", 4, 7, "'x'"),
      ("schema_version,claim,wall_s\n", 1, 3, "'wall_s' is not a column of claims.csv"),
      ("schema_version,claim,claim\n", 1, 3, "twice"),
      ("schema_version,claim\n", 1, 3, "'sentence' is missing"),
      ("schema_version,,claim\n", 1, 2, "no name"),
    ]
    for (text, line, column, part) in cases {
      do {
        _ = try Table<ClaimColumns>.rows(Array(text.utf8), file: "claims.csv")
        Issue.record("\(text.debugDescription) was read")
      } catch {
        guard case .malformed("claims.csv", line, column, let reason) = error, reason.contains(part) else {
          Issue.record("\(text.debugDescription): \(error)")
          continue
        }
      }
    }
  }

  @Test func realsAreShortestAndExact() {
    for (value, text) in [
      (1.0, "1.0"), (0.1, "0.1"), (1e-7, "1e-07"), (.leastNonzeroMagnitude, "5e-324"), (-0.0, "-0.0"),
    ] {
      #expect(Cell.real(value).spelling == text)
      #expect(Cell(spelling: text, kind: .real)?.spelling == text)
    }
    #expect(Cell(spelling: "18446744073709551615", kind: .count) == .count(.max))
    #expect(Cell(spelling: "18446744073709551616", kind: .count) == nil)
    #expect(Cell(spelling: "+1", kind: .count) == nil)
    #expect(Cell(spelling: "1e999", kind: .real) == nil)
  }
}

// Holds every answer of an engine against the expected one, and explains the first that differs.
//
//   runner:  note(write) ──▶ batch ──▶ engine.apply ──▶ applied()        what is noted counts once it is applied
//            engine.get(key) { check($0, …) }  not found ──▶ checkNotFound(…)
//            beginScan ──▶ checkEntry … ──▶ endScan
//
// Invariants
// 1. Reads are held against the batches applied before them, which is what the engine contract promises.
// 2. A get is right when the key is live and every bit of the value is the expected one, or when the key is absent and
//    nothing was found. A missing key is never found.
// 3. A scan is right when it returns exactly the next live keys in its direction, from its first key on (included), each
//    with its expected value, and ends early only where the keys end.
// 4. The checker keeps the key state even when it checks nothing: live bytes are needed either way.

import KeyValue
import Primitives

/// An answer that is not the expected one.
public struct WrongAnswer: Equatable, Sendable, CustomStringConvertible {
  /// The phase's name.
  public var phase: String
  /// The operation's place in its phase, from 0.
  public var ordinal: UInt64
  /// The operation asked.
  public var operation: Operation
  /// The key the answer is about.
  public var key: [UInt8]
  /// What was expected, a clause.
  public var expected: String
  /// What came, a clause.
  public var got: String

  /// The sentence for the record.
  public var description: String {
    let hexadecimal = key.map { byte in
      let digits = String(byte, radix: 16)
      return digits.utf8.count == 1 ? "0" + digits : digits
    }.joined()
    return
      "phase '\(phase)', operation \(ordinal) (\(operation.kind.name) of key index \(operation.keyIndex)): "
      + "at key \(hexadecimal) expected \(expected), got \(got)"
  }
}

/// Checks the answers of one run.
public struct AnswerChecker: Sendable {
  /// What every key must hold after the batches applied so far.
  public private(set) var state: KeyState
  /// Gets and scans held against the expectation.
  public private(set) var checkedAnswerCount: UInt64 = 0
  /// How many of them were wrong.
  public private(set) var wrongAnswerCount: UInt64 = 0
  /// The first wrong answer.
  public private(set) var firstWrongAnswer: WrongAnswer?

  private let workload: WorkloadSpec
  private var pending: ContiguousArray<Operation> = []
  private var phase = ""
  private var scan: Scan
  private var keyScratch: ContiguousArray<UInt8>

  private struct Scan: Sendable {
    var operation = Operation()
    var ordinal: UInt64 = 0
    var walk = KeyState.Walk(place: nil, order: .forward)
    var entryCount: UInt64 = 0
    var hasFailed = false
  }

  /// A checker of an empty dictionary.
  ///
  /// - Parameters:
  ///   - workload: says whether answers are checked at all (`checksAnswers`).
  ///   - maximumValueByteCount: the engine's declared limit.
  public init(workload: WorkloadSpec, maximumValueByteCount: Int = 1 << 30) {
    self.workload = workload
    state = KeyState(workload: workload, maximumValueByteCount: maximumValueByteCount)
    scan = Scan()
    keyScratch = ContiguousArray(repeating: 0, count: workload.keys.keyByteCount)
  }

  /// Names the phase that wrong answers belong to from now on.
  public mutating func beginPhase(_ name: String) { phase = name }

  /// Takes note of a write that has been put into a batch.
  public mutating func note(_ operation: Operation) { pending.append(operation) }

  /// The writes noted so far have been applied.
  public mutating func applied() {
    for position in pending.indices { state.apply(pending[position]) }
    pending.removeAll(keepingCapacity: true)
  }

  // MARK: Threads

  /// A checker for another thread, which reads what is applied now: the same expectation, its counts at zero.
  ///
  /// - Parameter scans: whether it will check scans; the keys are then sorted once, here.
  public mutating func forThread(scans: Bool) -> AnswerChecker {
    if scans { _ = state.walkFromFirst() }
    var copy = self
    copy.checkedAnswerCount = 0
    copy.wrongAnswerCount = 0
    copy.firstWrongAnswer = nil
    return copy
  }

  /// Adds the counts of another thread's checker.
  public mutating func addCounts(of other: AnswerChecker) {
    checkedAnswerCount += other.checkedAnswerCount
    wrongAnswerCount += other.wrongAnswerCount
    if firstWrongAnswer == nil { firstWrongAnswer = other.firstWrongAnswer }
  }

  /// Checks what a get found while a writer works: the value expected when this checker was made, or an intact value of the
  /// same key that was put later.
  ///
  /// - Parameter version: the first version that can have been put since.
  public mutating func check(
    _ value: RawSpan, for operation: Operation, ordinal: UInt64, orPutSince version: UInt32
  ) {
    if let claim = workload.values.claim(of: value), claim.keyIndex == operation.keyIndex,
      claim.version >= version
    {
      checkedAnswerCount += 1
    } else {
      check(value, for: operation, ordinal: ordinal)
    }
  }

  // MARK: Gets

  /// Checks the value that a get (get_hit or get_miss) found.
  public mutating func check(_ value: RawSpan, for operation: Operation, ordinal: UInt64) {
    guard workload.checksAnswers else { return }
    checkedAnswerCount += 1
    if operation.kind != .getMiss, state.matches(value, index: operation.keyIndex) { return }
    let isMissing = operation.kind == .getMiss
    report(
      operation, ordinal, index: operation.keyIndex, missing: isMissing,
      expected: isMissing ? "no value, the key never existed" : state.expectation(operation.keyIndex),
      got: explain(value))
  }

  /// Checks that a get was right to find nothing.
  public mutating func checkNotFound(_ operation: Operation, ordinal: UInt64) {
    guard workload.checksAnswers else { return }
    checkedAnswerCount += 1
    if operation.kind == .getMiss || !state.isLive(operation.keyIndex) { return }
    report(
      operation, ordinal, index: operation.keyIndex, missing: false,
      expected: state.expectation(operation.keyIndex), got: "no value")
  }

  // MARK: Scans

  /// Begins the check of a scan from the operation's key on, itself included, in either direction. The first scan
  /// sorts the keys.
  public mutating func beginScan(_ operation: Operation, ordinal: UInt64, order: ScanOrder) {
    guard workload.checksAnswers else { return }
    checkedAnswerCount += 1
    scan.operation = operation
    scan.ordinal = ordinal
    scan.entryCount = 0
    scan.hasFailed = false
    scan.walk = state.walk(from: operation.keyIndex, order)
  }

  /// Begins the check of a scan of everything, from the first key on.
  public mutating func beginScanOfEverything() {
    guard workload.checksAnswers else { return }
    checkedAnswerCount += 1
    scan.operation = Operation()
    scan.operation.kind = .scan
    scan.operation.length = .max
    scan.ordinal = 0
    scan.entryCount = 0
    scan.hasFailed = false
    scan.walk = state.walkFromFirst()
  }

  /// Checks the next entry that the scan returned. After a wrong entry the rest of the scan is not looked at.
  public mutating func checkEntry(key: RawSpan, value: RawSpan) {
    guard workload.checksAnswers, !scan.hasFailed else { return }
    scan.entryCount += 1
    guard let index = state.next(&scan.walk) else {
      failScan(at: key, expected: "the end: no live key is left", value)
      return
    }
    writeKey(index)
    let isExpectedKey = key.withUnsafeBytes { got in
      keyScratch.withUnsafeBytes { Self.equal(got, $0) }
    }
    if !isExpectedKey {
      failScan(at: key, expected: "next the key of index \(index)", value)
    } else if !state.matches(value, index: index) {
      failScan(at: key, expected: state.expectation(index), value)
    }
  }

  /// Ends the check of a scan: it must have returned as many entries as asked for, or all that are left.
  public mutating func endScan() {
    guard workload.checksAnswers, !scan.hasFailed else { return }
    let wanted = UInt64(scan.operation.length)
    precondition(scan.entryCount <= wanted, "A runner ends a scan at the entries it asked for.")
    if scan.entryCount == wanted { return }
    if let index = state.next(&scan.walk) {
      scan.hasFailed = true
      report(
        scan.operation, scan.ordinal, index: index, missing: false,
        expected: "\(wanted) entries, entry \(scan.entryCount) being this key",
        got: "the end after \(scan.entryCount) entries")
    }
  }

  // MARK: Explaining

  private mutating func failScan(at key: RawSpan, expected: String, _ value: RawSpan) {
    scan.hasFailed = true
    wrongAnswerCount += 1
    guard firstWrongAnswer == nil else { return }
    let bytes = key.withUnsafeBytes { [UInt8]($0) }
    let whose: String
    switch key.withUnsafeBytes({ workload.keys.decode($0) }) {
    case let key? where key.isMissing: whose = "a key that never existed"
    case let key?:
      whose = "the key of index \(key.index)\(state.isLive(key.index) ? "" : ", which is not live,")"
    case nil: whose = "bytes that are no key"
    }
    firstWrongAnswer = WrongAnswer(
      phase: phase, ordinal: scan.ordinal, operation: scan.operation, key: bytes,
      expected: "\(expected) (entry \(scan.entryCount - 1))", got: "\(whose) with \(explain(value))")
  }

  private mutating func report(
    _ operation: Operation, _ ordinal: UInt64, index: UInt64, missing: Bool, expected: String, got: String
  ) {
    wrongAnswerCount += 1
    guard firstWrongAnswer == nil else { return }
    writeKey(index, missing: missing)
    firstWrongAnswer = WrongAnswer(
      phase: phase, ordinal: ordinal, operation: operation, key: Array(keyScratch), expected: expected,
      got: got)
  }

  /// What a value claims to be, as a clause.
  private func explain(_ value: RawSpan) -> String {
    if let claim = workload.values.claim(of: value) {
      return "the intact value of key index \(claim.keyIndex), version \(claim.version)"
    }
    return "\(value.byteCount) bytes that are no value as it was put"
  }

  private mutating func writeKey(_ index: UInt64, missing: Bool = false) {
    let keys = workload.keys
    keyScratch.withUnsafeMutableBytes { buffer in
      if missing {
        keys.writeMissing(index: index, into: buffer)
      } else {
        keys.write(index: index, into: buffer)
      }
    }
  }

  /// Whether two keys are the same bytes.
  private static func equal(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    guard a.count == b.count, let first = a.baseAddress, let second = b.baseAddress else {
      return a.count == b.count
    }
    var difference: UInt64 = 0
    var offset = 0
    while offset + 8 <= a.count {
      difference |= first.u64(offset) ^ second.u64(offset)
      offset += 8
    }
    while offset < a.count {
      difference |= UInt64(first.u8(offset) ^ second.u8(offset))
      offset += 1
    }
    return difference == 0
  }
}

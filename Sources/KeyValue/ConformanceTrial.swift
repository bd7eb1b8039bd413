// One engine in one check, beside the state it should have. Everything a check does goes through here, so that
// each request reaches both and each difference is said in one way.

import Primitives

/// The workbench of a check.
final class ConformanceTrial {
  let check: String
  let seed: UInt64
  let subject: ConformanceSubject
  let randomOperationCount: Int
  private(set) var engine: any Engine
  /// What the engine should hold.
  var state = ReferenceState()
  private(set) var step = 0
  private var isOpen = true
  private var drawCount: UInt64 = 0

  init(check: String, seed: UInt64, subject: ConformanceSubject, randomOperationCount: Int) {
    self.check = check
    self.seed = seed
    self.subject = subject
    self.randomOperationCount = randomOperationCount
    engine = subject.engine
  }

  var limits: EngineLimits { engine.limits }

  // MARK: Saying no

  func failure(_ sentence: String) -> ConformanceFailure {
    ConformanceFailure(check: check, seed: seed, step: step, sentence: sentence)
  }

  func expect(_ condition: Bool, _ sentence: @autoclosure () -> String) throws {
    if !condition { throw failure(sentence()) }
  }

  /// Expects `body` to throw an engine error that `accepts`.
  func expectRefusal(
    _ what: String, _ body: () throws -> Void, accepts: (EngineError) -> Bool
  ) throws {
    do {
      try body()
    } catch let error as EngineError {
      try expect(accepts(error), "\(what) was refused with the wrong error: \(error)")
      return
    }
    throw failure("\(what) was not refused")
  }

  // MARK: Random draws

  /// A number in 0..<bound.
  func draw(_ bound: Int) -> Int {
    precondition(bound > 0, "A draw has at least one outcome.")
    drawCount += 1
    return Int(conformanceDraw(seed: seed, index: drawCount) % UInt64(bound))
  }

  func drawBytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(draw(256)) }
  }

  // MARK: Writing to both

  /// Applies what `fill` puts into a batch to the engine and, when accepted, to the state.
  func apply(sync: Bool = false, _ fill: (inout WriteBatch) throws -> Void) throws {
    step += 1
    var batch = WriteBatch()
    try fill(&batch)
    try engine.apply(batch, sync: sync)
    state.apply(batch, limits: limits)
  }

  /// Puts `count` entries `key(i)` → `value(i)` in batches of 100.
  func load(
    _ count: Int, key: (Int) -> [UInt8], value: (Int) -> [UInt8]
  ) throws {
    var index = 0
    while index < count {
      let end = min(index + 100, count)
      try apply { batch in
        for i in index..<end { batch.put(key(i), value(i)) }
      }
      index = end
    }
  }

  func reopen() throws {
    step += 1
    guard let open = subject.reopen else { return }
    try engine.close()
    isOpen = false
    if let held = subject.heldMemoryByteCount?() {
      try expect(held == 0, "\(held) bytes of the memory budget are still held after close")
    }
    engine = try open()
    isOpen = true
  }

  /// Closes without reopening, for checks about closed engines.
  func close() throws {
    try engine.close()
    isOpen = false
  }

  // MARK: Comparing

  func expectValue(_ key: [UInt8], _ expected: [UInt8]?, in view: (any ReadView)? = nil) throws {
    step += 1
    var calls = 0
    var value: [UInt8] = []
    let found = try (view ?? engine).get(key.span.bytes) { span in
      calls += 1
      value = bytes(of: span)
    }
    try expect(
      calls == (found ? 1 : 0), "get \(key) answered \(found) and called its closure \(calls) times")
    try expect(
      (found ? value : nil) == expected,
      "get \(short(key)) gave \(found ? short(value) : "nothing"), expected \(expected.map(short) ?? "nothing")"
    )
  }

  /// Expects `keys`, asked for together, to have the values of `state` (nil: the trial's).
  func expectValues(
    _ keys: [[UInt8]], in view: (any ReadView)? = nil, state: ReferenceState? = nil
  ) throws {
    step += 1
    var batch = ReadBatch(reservedByteCount: 16)
    for key in keys { batch.append(key) }
    var values: [[UInt8]?] = Array(repeating: nil, count: keys.count)
    var answerCounts = [Int](repeating: 0, count: keys.count)
    try (view ?? engine).getBatch(batch) { index, value in
      answerCounts[index] += 1
      values[index] = bytes(of: value)
    }
    for (index, key) in keys.enumerated() {
      let expected = (state ?? self.state).value(for: key)
      try expect(answerCounts[index] <= 1, "a batch of \(keys.count) answered its key \(index) twice")
      try expect(
        values[index] == expected,
        "a batch of \(keys.count) gave \(values[index].map(short) ?? "nothing") for \(short(key)), expected "
          + "\(expected.map(short) ?? "nothing")")
    }
  }

  func expectEntries(
    _ expected: [KeyValuePair], in range: KeyRange, _ order: ScanOrder, of view: (any ReadView)? = nil
  ) throws {
    step += 1
    let cursor = try (view ?? engine).makeCursor(range, order)
    try expectRest(of: cursor, expected, "\(order) cursor over \(describe(range))")
  }

  /// Expects `cursor` to give exactly `expected` and then to stay at its end.
  func expectRest(of cursor: any Cursor, _ expected: [KeyValuePair], _ what: @autoclosure () -> String) throws
  {
    for (index, pair) in expected.enumerated() {
      try expect(
        try cursor.next(), "\(what()) ended after \(index) of \(expected.count) entries")
      try expectCurrent(cursor, pair, "\(what()), entry \(index)")
    }
    try expect(!(try cursor.next()), "\(what()) gave more than \(expected.count) entries")
    try expect(!(try cursor.next()), "\(what()) went on after its end")
  }

  func expectCurrent(_ cursor: any Cursor, _ pair: KeyValuePair, _ what: @autoclosure () -> String) throws {
    var seen: KeyValuePair? = nil
    cursor.withCurrent { seen = KeyValuePair(key: bytes(of: $0), value: bytes(of: $1)) }
    try expect(
      seen?.key == pair.key,
      "\(what()) has key \(seen.map { short($0.key) } ?? "none"), expected \(short(pair.key))")
    try expect(seen == pair, "\(what()), key \(short(pair.key)), has the wrong value")
  }

  /// Compares everything: both scans, every key by get, keys beside them, the hash, `verify`, the space.
  func expectSame() throws {
    let all = state.entries()
    try expectEntries(all, in: .all, .forward)
    try expectEntries(all.reversed(), in: .all, .reverse)
    let step = max(1, all.count / 200)
    for (index, pair) in all.enumerated() where index % step == 0 {
      try expectValue(pair.key, pair.value)
      let extended = pair.key + [0]
      if extended.count <= limits.maximumKeyByteCount {
        try expectValue(extended, state.value(for: extended))
      }
      if let last = pair.key.last {
        let parent = [UInt8](pair.key.dropLast())
        try expectValue(parent, state.value(for: parent))
        let sibling = parent + [last ^ 1]
        try expectValue(sibling, state.value(for: sibling))
      }
    }
    try expectValues(stride(from: 0, to: all.count, by: step * 3 + 1).map { all[$0].key })
    try expect(try engine.stateHash() == state.stateHash, "the state hash differs")
    try expectSound()
  }

  /// `verify` passes, the space report adds up, reports are sorted by name.
  func expectSound() throws {
    try engine.verify()
    let report = try engine.spaceReport()
    let sum = report.parts.reduce(0) { $0 + $1.byteCount }
    try expect(
      sum == report.allocatedByteCount,
      "the space report's parts sum to \(sum), allocated are \(report.allocatedByteCount)")
    try expectSortedNames(report.parts.map(\.name), "space report")
    try expectSortedNames(engine.settingsReadBack().map(\.name), "settings")
    try expectSortedNames(engine.statistics().map(\.name), "statistics")
  }

  private func expectSortedNames(_ names: [String], _ what: String) throws {
    for (left, right) in zip(names, names.dropFirst()) {
      try expect(left < right, "the names of the \(what) are not sorted and unique: \(left), \(right)")
    }
  }

  /// The end of every check.
  func finish() throws {
    guard isOpen else { return }
    if limits.stores { try expectSame() } else { try expectSound() }
    try close()
    if let held = subject.heldMemoryByteCount?() {
      try expect(held == 0, "\(held) bytes of the memory budget are still held after close")
    }
  }
}

/// Draw `index` of a check's own stream: a pure function.
func conformanceDraw(seed: UInt64, index: UInt64) -> UInt64 {
  CounterRandom(seed: seed, stream: 0x636F_6E66).draw(index)
}

/// Bytes for a message, cut after sixteen.
func short(_ value: some Collection<UInt8>) -> String {
  let head = value.prefix(16).map { String($0, radix: 16) }.joined(separator: " ")
  return value.count > 16 ? "[\(head) … \(value.count) bytes]" : "[\(head)]"
}

func describe(_ range: KeyRange) -> String {
  "\(range.lowerBound.map { short($0) } ?? "open")..<\(range.upperBound.map { short($0) } ?? "open")"
}

// A long life of growing and shrinking, for the structure's sake: millions of operations in stages that each push a tree another
// way, held against a model that costs four bytes a key.
//
//   fill random ─▶ ascend ─▶ resize ─▶ thin out ─▶ cut a stretch ─▶ ranges ─▶ drain ─▶ (reopen) ─▶ …
//        every so many operations: verify, a scan of everything both ways against the model, gets, the space report
//
// Invariants
// 1. Everything is a function of the seed; a failure names seed and operation.
// 2. The model holds the version of each key's last put, 0 for none; key and version make the value.

import Primitives

/// What a structural stress found.
public struct StressReport: Equatable, Sendable {
  /// Operations applied.
  public var operationCount = 0
  /// Times that everything was compared and verified.
  public var checkCount = 0
  /// Times the engine was closed and opened again.
  public var reopenCount = 0
  /// The most entries there were.
  public var peakEntryCount = 0
  /// Batched reads and gets answered rightly.
  public var readCount = 0
}

/// Puts an engine through stages of random structure changes.
public struct StructuralStress: ~Copyable {
  private let seed: UInt64
  private let operationCount: Int
  private let checkInterval: Int
  private var versions: [UInt32]
  private var entryCount = 0
  private var drawCount: UInt64 = 0
  private var version: UInt32 = 0
  private var report = StressReport()
  private var batch = WriteBatch(reservedByteCount: 1 << 16)

  /// A stress.
  ///
  /// - Parameters:
  ///   - seed: what everything is drawn from.
  ///   - operationCount: how many writes there are.
  ///   - keyCount: how many different keys.
  ///   - checkInterval: operations from one full check to the next.
  public init(seed: UInt64, operationCount: Int, keyCount: Int, checkInterval: Int) {
    precondition(
      keyCount >= 16 && checkInterval > 0, "A stress has at least 16 keys and checks at intervals.")
    self.seed = seed
    self.operationCount = operationCount
    self.checkInterval = checkInterval
    versions = [UInt32](repeating: 0, count: keyCount)
  }

  private enum Stage: Int, CaseIterable { case fill, ascend, resize, thin, cut, ranges, drain }

  private mutating func draw(_ bound: Int) -> Int {
    drawCount += 1
    return Int(CounterRandom(seed: seed, stream: 0x7374_7265).draw(drawCount) % UInt64(bound))
  }

  private func failure(_ sentence: String) -> ConformanceFailure {
    ConformanceFailure(
      check: "structural_stress", seed: seed, step: report.operationCount, sentence: sentence)
  }

  /// Runs the stress on a fresh engine.
  ///
  /// - Parameters:
  ///   - reopen: closes nothing itself: gets the closed engine's successor; nil to stay with the first.
  ///   - progress: called after each full check.
  /// - Throws: `ConformanceFailure`, or an error with which the engine answered a lawful request.
  public mutating func run(
    _ first: any Engine, reopen: (() throws -> any Engine)? = nil, progress: (StressReport) -> Void = { _ in }
  ) throws -> StressReport {
    var engine = first
    var nextCheck = checkInterval
    var round = 0
    while report.operationCount < operationCount {
      for stage in Stage.allCases where report.operationCount < operationCount {
        // A drain now and then; the others every time.
        if stage == .drain, round % 2 == 0 { continue }
        let snapshot = engine.limits.offersSnapshots ? try engine.makeSnapshot() : nil
        let seen = versions
        let end = min(operationCount, report.operationCount + max(1, operationCount / 20))
        var position = draw(versions.count)
        while report.operationCount < end {
          fill(stage, &position, engine.limits)
          if batch.count == 0 { break }
          try engine.apply(batch, sync: draw(50) == 0)
          report.operationCount += batch.count
          batch.removeAll()
          try readSome(engine)
          if draw(200) == 0 { try engine.checkpoint() }
          if draw(400) == 0 { try engine.dropCache() }
          if report.operationCount >= nextCheck {
            nextCheck = report.operationCount + checkInterval
            try checkEverything(engine)
            progress(report)
          }
        }
        if let snapshot { try check(snapshot, seen, limits: engine.limits) }
      }
      round += 1
      if let reopen {
        try engine.close()
        engine = try reopen()
        report.reopenCount += 1
      }
    }
    try checkEverything(engine)
    progress(report)
    try engine.close()
    return report
  }

  // MARK: Writing

  private mutating func fill(_ stage: Stage, _ position: inout Int, _ limits: EngineLimits) {
    let size = 1 + draw(draw(4) == 0 ? 400 : 40)
    for _ in 0..<size {
      switch stage {
      case .fill: put(draw(versions.count), limits)
      case .ascend:
        put(position, limits)
        position = (position + 1) % versions.count
      case .resize:
        let key = draw(versions.count)
        if versions[key] != 0 { put(key, limits) }
      case .thin: delete(draw(versions.count))
      case .cut:
        delete(position)
        position = (position + versions.count - 1) % versions.count
      case .ranges:
        if !limits.offersRangeDelete { return }
        let start = draw(versions.count)
        let end = min(versions.count, start + draw(1 + versions.count / 400))
        batch.deleteRange(Self.key(start), Self.key(end))
        for key in start..<end where versions[key] != 0 { forget(key) }
      case .drain:
        if entryCount == 0 { return }
        for _ in 0..<8 {
          delete(position)
          position = (position + 1) % versions.count
        }
      }
      if stage == .ranges, batch.count > 8 { return }
    }
  }

  private mutating func put(_ key: Int, _ limits: EngineLimits) {
    version += 1
    if versions[key] == 0 { entryCount += 1 }
    versions[key] = version
    report.peakEntryCount = max(report.peakEntryCount, entryCount)
    batch.put(Self.key(key), Self.value(key, version, limits))
  }

  private mutating func delete(_ key: Int) {
    batch.delete(Self.key(key))
    if versions[key] != 0 { forget(key) }
  }

  private mutating func forget(_ key: Int) {
    versions[key] = 0
    entryCount -= 1
  }

  /// A key: its number, and some bytes behind it so that lengths differ.
  private static func key(_ number: Int) -> [UInt8] {
    let tail = number &* 0x9E37 >> 3 & 15
    return (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
      + [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: tail)
  }

  private static func value(_ number: Int, _ version: UInt32, _ limits: EngineLimits) -> [UInt8] {
    let mixed = CounterRandom(seed: UInt64(version), stream: 0x7661_6C75).draw(UInt64(number))
    let size = mixed & 1023 == 0 ? 6_000 : Int(mixed >> 10) % 200
    return [UInt8](
      repeating: UInt8(truncatingIfNeeded: mixed >> 32), count: min(size, limits.maximumValueByteCount))
  }

  // MARK: Checking

  /// A few keys, one by one and together.
  private mutating func readSome(_ engine: any Engine) throws {
    let key = draw(versions.count)
    var keys = [key]
    if draw(4) == 0 { for _ in 0..<20 { keys.append(draw(versions.count)) } }
    let found = try engine.values(for: keys.map(Self.key))
    let alone = try engine.value(for: Self.key(key))
    for (number, value) in zip(keys + [key], found + [alone]) {
      let expected = versions[number] == 0 ? nil : Self.value(number, versions[number], engine.limits)
      if value != expected {
        throw failure("a read of key \(number) gave \(value?.count ?? -1) bytes that are wrong")
      }
      report.readCount += 1
    }
  }

  private mutating func checkEverything(_ engine: any Engine) throws {
    try engine.verify()
    let space = try engine.spaceReport()
    if space.parts.reduce(0, { $0 + $1.byteCount }) != space.allocatedByteCount {
      throw failure("the parts of the space report do not sum to what is allocated")
    }
    try check(engine, versions, limits: engine.limits)
    report.checkCount += 1
  }

  private func check(_ view: any ReadView, _ versions: [UInt32], limits: EngineLimits) throws {
    for order in ScanOrder.allCases {
      let cursor = try view.makeCursor(.all, order)
      for step in versions.indices {
        let number = order == .forward ? step : versions.count - 1 - step
        if versions[number] == 0 { continue }
        guard try cursor.next() else { throw failure("a scan ended before key \(number)") }
        var isRight = false
        let wanted = Self.key(number)
        cursor.withCurrent { key, value in
          isRight = bytes(of: key) == wanted
          if isRight { isRight = bytes(of: value) == Self.value(number, versions[number], limits) }
        }
        if !isRight { throw failure("a scan stands elsewhere than at key \(number), or its value is wrong") }
      }
      if try cursor.next() { throw failure("a scan has more entries than there are") }
    }
  }
}

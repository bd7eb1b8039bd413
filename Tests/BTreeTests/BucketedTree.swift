// A B-tree whose key space is divided among the engine's own keys and some buckets, behind the interface that all engines share:
// whatever is asked of an engine is thereby asked of transactions over buckets, of bucket views and of bucket snapshots.
//
//   keys     … │ "key 0" … │ "key 10" … │ "key 2" … │ …           cuts of the key space
//   live in  own keys      bucket 1     bucket 2     bucket 3      each made by its first write
//
// Invariants
// 1. A batch is one transaction, whatever number of buckets it concerns.
// 2. A bucket is dropped by a range delete that covers its part, and by a batch that empties a bucket of few keys.

import Accounting
import BTree
import EngineCatalogue
import KeyValue
import Primitives
import Storage

/// Where the key space is cut.
struct KeyParts: Sendable {
  /// Ascending.
  var cuts: [[UInt8]]

  /// For small numbers of eight bytes, the keys of stories, and any bytes.
  static let usual = KeyParts(
    cuts: [
      [0, 0, 0, 0, 0, 0, 2], [0, 0, 0, 0, 0, 0, 8], [0, 0, 0, 0, 0, 0, 16], [16], Array("b".utf8),
      Array("key 0".utf8), Array("key 10".utf8), Array("key 2".utf8), Array("key 5".utf8),
      Array("key 8".utf8), Array("key 9~".utf8), [0x80], [0xC0],
    ])

  /// For numbers of eight bytes below 6,144: buckets of some 250 and of six keys in turn.
  static let numbers = KeyParts(
    cuts: (1..<24).flatMap { number in [0, 6].map { [0, 0, 0, 0, 0, 0, UInt8(number), $0] } })

  var count: Int { cuts.count + 1 }

  /// The part that a key lies in.
  func part(of key: [UInt8]) -> Int {
    cuts.firstIndex { key.lexicographicallyPrecedes($0) } ?? cuts.count
  }

  /// The first key of a part, nil for the first part.
  func lower(_ part: Int) -> [UInt8]? { part == 0 ? nil : cuts[part - 1] }

  /// The first key behind a part, nil for the last part.
  func upper(_ part: Int) -> [UInt8]? { part == cuts.count ? nil : cuts[part] }

  /// The bucket of a part; part 0 is the engine's own keys.
  func bucket(_ part: Int) -> [UInt8]? { part == 0 ? nil : Array("part \(part)".utf8) }
}

/// How often buckets were made and dropped.
final class BucketCounts: Sendable {
  private let counts = Lock((made: 0, dropped: 0))
  func add(made: Int, dropped: Int) {
    counts.withLock {
      $0.made += made
      $0.dropped += dropped
    }
  }
  var made: Int { counts.withLock { $0.made } }
  var dropped: Int { counts.withLock { $0.dropped } }
}

/// What shows the parts: the engine, or a snapshot of it.
private protocol PartSource: AnyObject {
  var parts: KeyParts { get }
  /// A view of a part, nil when its bucket is not there.
  func view(ofPart part: Int) throws(EngineError) -> (any ReadView)?
}

extension PartSource {
  func partGet(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool {
    guard let view = try view(ofPart: parts.part(of: bytes(of: key))) else { return false }
    return try view.get(key, body)
  }

  func partGetBatch(
    _ batch: borrowing ReadBatch, _ body: (_ index: Int, _ value: RawSpan) -> Void
  ) throws(EngineError) {
    for part in 0..<parts.count {
      var own = ReadBatch()
      var places: [Int] = []
      for index in 0..<batch.count where parts.part(of: [UInt8](batch[index])) == part {
        own.append(batch[index])
        places.append(index)
      }
      guard let view = try view(ofPart: part), !places.isEmpty else { continue }
      try view.getBatch(own) { body(places[$0], $1) }
    }
  }

  func partCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    // An engine that is closed says so.
    _ = try view(ofPart: 1)
    return PartCursor(self, range, order)
  }
}

/// One part after the other.
private final class PartCursor: Cursor {
  private let source: any PartSource
  private let range: KeyRange
  private let order: ScanOrder
  private let first: Int
  private let last: Int
  /// The part the cursor is in: from first to last, or one beyond where it ends.
  private var part: Int
  private var cursor: (any Cursor)?

  init(_ source: any PartSource, _ range: KeyRange, _ order: ScanOrder) {
    self.source = source
    self.range = range
    self.order = order
    first = range.lowerBound.map { source.parts.part(of: $0) } ?? 0
    last = range.upperBound.map { source.parts.part(of: $0) } ?? source.parts.count - 1
    part = order == .forward ? first : last
  }

  private var isAtEnd: Bool { part < first || part > last }

  private func enter() throws(EngineError) -> (any Cursor)? {
    if cursor == nil { cursor = try source.view(ofPart: part)?.makeCursor(range, order) }
    return cursor
  }

  private func leave() {
    cursor = nil
    part += order == .forward ? 1 : -1
  }

  func next() throws(EngineError) -> Bool {
    while !isAtEnd {
      if let cursor = try enter(), try cursor.next() { return true }
      leave()
    }
    return false
  }

  func withCurrent(_ body: (_ key: RawSpan, _ value: RawSpan) -> Void) { cursor?.withCurrent(body) }

  func showNext(
    upTo limit: Int, _ body: (_ key: RawSpan, _ value: RawSpan) -> Void
  ) throws(EngineError) -> Int {
    var count = 0
    while count < limit, !isAtEnd {
      if let cursor = try enter() { count += try cursor.showNext(upTo: limit - count, body) }
      if count < limit { leave() }
    }
    return count
  }

  func seek(to key: RawSpan) throws(EngineError) {
    cursor = nil
    part = source.parts.part(of: bytes(of: key))
    if part < first { part = order == .forward ? first : first - 1 }
    if part > last { part = order == .forward ? last + 1 : last }
    let isInside = source.parts.part(of: bytes(of: key)) == part
    if !isAtEnd, isInside { try enter()?.seek(to: key) }
  }
}

/// The engine of a divided key space.
final class BucketedTree: Engine, PartSource {
  let tree: BTreeEngine
  let parts: KeyParts
  private let counts: BucketCounts?

  init(_ tree: BTreeEngine, parts: KeyParts = .usual, counts: BucketCounts? = nil) {
    self.tree = tree
    self.parts = parts
    self.counts = counts
  }

  /// The B-tree's entry in the catalogue, opened as this.
  static func entry(counts: BucketCounts? = nil) -> EngineEntry {
    EngineEntry(BTreeEngine.descriptor, examine: BTreeEngine.examine) { (place, set) throws(EngineError) in
      BucketedTree(try BTreeEngine.open(place, parameters: set), counts: counts)
    }
  }

  fileprivate func view(ofPart part: Int) throws(EngineError) -> (any ReadView)? {
    guard let bucket = parts.bucket(part) else { return tree }
    return try tree.bucket(bucket)
  }

  // MARK: Writing

  private enum Step {
    case write(OperationKind, part: Int, key: [UInt8], operand: [UInt8])
    case create(Int)
    case drop(Int)
  }

  func apply(_ batch: borrowing WriteBatch, sync: Bool) throws(EngineError) {
    try batch.check(against: limits)
    let steps = try steps(of: batch)
    try tree.write(sync: sync) { (transaction) throws(EngineError) in
      for step in steps {
        switch step {
        case .write(.put, let part, let key, let operand):
          try transaction.put(key, operand, in: parts.bucket(part))
        case .write(.delete, let part, let key, _): try transaction.delete(key, in: parts.bucket(part))
        case .write(let kind, let part, let key, let operand):
          try transaction.add(kind, key, operand, in: parts.bucket(part))
        case .create(let part): try transaction.create(parts.bucket(part) ?? [])
        case .drop(let part): try transaction.drop(parts.bucket(part) ?? [])
        }
      }
    }
    var (made, dropped) = (0, 0)
    for step in steps {
      if case .create = step { made += 1 }
      if case .drop = step { dropped += 1 }
    }
    counts?.add(made: made, dropped: dropped)
  }

  private func steps(of batch: borrowing WriteBatch) throws(EngineError) -> [Step] {
    var steps: [Step] = []
    var isThere: [Int: Bool] = [0: true]
    func exists(_ part: Int) throws(EngineError) -> Bool {
      if let known = isThere[part] { return known }
      let found = try view(ofPart: part) != nil
      isThere[part] = found
      return found
    }
    for entry in batch.entries {
      let key = [UInt8](batch.key(of: entry))
      let operand = [UInt8](batch.operand(of: entry))
      if entry.kind == .deleteRange {
        if !key.lexicographicallyPrecedes(operand) { continue }
        for part in parts.part(of: key)...parts.part(of: operand) where try exists(part) {
          if let lower = parts.lower(part), let upper = parts.upper(part),
            !lower.lexicographicallyPrecedes(key), !operand.lexicographicallyPrecedes(upper)
          {
            steps.append(.drop(part))
            isThere[part] = false
          } else {
            steps.append(.write(.deleteRange, part: part, key: key, operand: operand))
          }
        }
        continue
      }
      let part = parts.part(of: key)
      if try !exists(part) {
        if entry.kind == .delete { continue }
        steps.append(.create(part))
        isThere[part] = true
      }
      steps.append(.write(entry.kind, part: part, key: key, operand: operand))
    }
    for part in isThere.keys.sorted() where part > 0 && isThere[part] == true {
      if try empties(steps, part) { steps.append(.drop(part)) }
    }
    return steps
  }

  /// Whether steps leave nothing in a bucket of few keys.
  private func empties(_ steps: [Step], _ part: Int) throws(EngineError) -> Bool {
    var keys: Set<[UInt8]> = []
    if let cursor = try view(ofPart: part)?.makeCursor(.all, .forward) {
      while try cursor.next() {
        cursor.withCurrent { key, _ in _ = keys.insert(bytes(of: key)) }
        if keys.count > 8 { return false }
      }
    }
    for step in steps {
      switch step {
      case .drop(part): keys = []
      case .write(.deleteRange, part, let start, let end):
        keys = keys.filter {
          $0.lexicographicallyPrecedes(start) || !$0.lexicographicallyPrecedes(end)
        }
      case .write(.delete, part, let key, _): keys.remove(key)
      case .write(_, part, let key, _): keys.insert(key)
      default: break
      }
    }
    return keys.isEmpty
  }

  // MARK: Reading

  func get(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool {
    try partGet(key, body)
  }

  func getBatch(
    _ batch: borrowing ReadBatch, _ body: (_ index: Int, _ value: RawSpan) -> Void
  ) throws(EngineError) {
    try partGetBatch(batch, body)
  }

  func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    try partCursor(range, order)
  }

  func makeSnapshot() throws(EngineError) -> any ReadView {
    BucketedSnapshot(try tree.makeBucketSnapshot(), parts)
  }

  // MARK: What is the tree's

  var limits: EngineLimits { tree.limits }
  var durabilityClass: DurabilityClass { tree.durabilityClass }
  func checkpoint() throws(EngineError) { try tree.checkpoint() }
  func settle() throws(EngineError) { try tree.settle() }
  func dropCache() throws(EngineError) { try tree.dropCache() }
  func close() throws(EngineError) { try tree.close() }
  func spaceReport() throws(EngineError) -> SpaceReport { try tree.spaceReport() }
  func settingsReadBack() -> [(name: String, value: String)] { tree.settingsReadBack() }
  func statistics() -> [(name: String, value: UInt64)] { tree.statistics() }
  func treeReport() -> TreeReport? { tree.treeReport() }
  func verify() throws(EngineError) { try tree.verify() }
}

/// All parts as they were at one commit.
private final class BucketedSnapshot: ReadView, PartSource {
  private let snapshot: BTreeSnapshot
  let parts: KeyParts

  init(_ snapshot: BTreeSnapshot, _ parts: KeyParts) {
    self.snapshot = snapshot
    self.parts = parts
  }

  func view(ofPart part: Int) throws(EngineError) -> (any ReadView)? {
    guard let bucket = parts.bucket(part) else { return snapshot }
    return try snapshot.bucket(bucket)
  }

  func get(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool {
    try partGet(key, body)
  }

  func getBatch(
    _ batch: borrowing ReadBatch, _ body: (_ index: Int, _ value: RawSpan) -> Void
  ) throws(EngineError) {
    try partGetBatch(batch, body)
  }

  func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    try partCursor(range, order)
  }
}

extension BTreeTransaction {
  /// Adds any operation.
  mutating func add(
    _ kind: OperationKind, _ key: [UInt8], _ operand: [UInt8], in bucket: [UInt8]?
  ) throws(EngineError) {
    var failure: EngineError?
    key.withUnsafeBytes { key in
      operand.withUnsafeBytes { operand in
        do throws(EngineError) { try append(kind, in: bucket, key: key, operand: operand) } catch {
          failure = error
        }
      }
    }
    if let failure { throw failure }
  }
}

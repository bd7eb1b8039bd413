// The merge of one leaf with the buffers above it, in either order.
//
//   source 0 …   a buffer of the path, newest first     lines [at, end)
//   leaf         basement after basement                lines [at, end)
//
// Invariants
// 1. All keys lie within the leaf's own bounds, which are those of its path, and within the walk's.
// 2. The value of a key is its entry under the messages of the deepest buffer, then the next, each in order of arrival.

import CSystem
import KeyValue
import Primitives
import Storage

/// Merges one leaf's keys.
struct WindowMerge {
  /// The lines of one buffer that are still to come.
  private struct Source {
    var node: TreeNode
    var part: Int
    var at: Int
    var end: Int
  }

  private let reader: TreeReader
  private let order: ScanOrder
  private var sources: ContiguousArray<Source> = []
  private var pinned: ContiguousArray<TreeNode> = []
  private var leaf: TreeNode?
  private var basement = 0
  private var at = 0
  private var end = 0
  private var bound: [UInt8]?
  private var includesBound = true
  /// Basements read together when the walk goes on to one that is not in memory; doubled each time.
  private var readAheadCount = 1
  private static let maximumReadAheadCount = 16
  private var limit: [UInt8]?
  /// Where the walk goes on behind this leaf: forward from this key on, reverse below it; nil at the end.
  private(set) var nextPlace: [UInt8]?
  private var messages: ContiguousArray<UnsafeRawPointer> = []

  init(_ reader: TreeReader, order: ScanOrder) {
    self.reader = reader
    self.order = order
    pinned.reserveCapacity(8)
  }

  private var isForward: Bool { order == .forward }

  /// Descends to the leaf where the walk goes on.
  ///
  /// - Parameters:
  ///   - bound: where it goes on; nil for the very beginning.
  ///   - includesBound: whether that key is part of the walk.
  ///   - limit: where it ends: excluded forward, included in reverse.
  mutating func begin(
    _ state: TreeState, from bound: [UInt8]?, includesBound: Bool, limit: [UInt8]?
  ) throws(StorageError) {
    self.bound = bound
    self.includesBound = includesBound
    self.limit = limit
    nextPlace = nil
    var (number, birth) = (state.shape.root, state.shape.rootBirth)
    var level = state.shape.height
    while level > 0 {
      let node = try reader.table.node(number, birth: birth, level: level, in: state.nodes)
      pin(node)
      let index = route(node)
      if isForward {
        if let upper = node.upperPivot(index) { nextPlace = upper }
      } else if let lower = node.lowerPivot(index) {
        nextPlace = lower
      }
      if node.parts[index].cellCount > 0 {
        try reader.loadOrdered(index, of: node)
        sources.append(Source(node: node, part: index, at: 0, end: 0))
      }
      (number, birth) = (node.parts[index].child, node.parts[index].birth)
      level -= 1
    }
    let found = try reader.table.node(number, birth: birth, level: 0, in: state.nodes)
    pin(found)
    leaf = found
    if isBeyondLimit(nextPlace) { nextPlace = nil }
    // The leaf's far bound, where buffers of wider nodes have more to say.
    let far = nearer(nextPlace, limit)
    for index in sources.indices { clip(index, far: far) }
    basement = route(found)
    try enter()
  }

  /// Lets go of the nodes.
  mutating func finish() {
    for node in pinned { node.pinCount -= 1 }
    pinned.removeAll(keepingCapacity: true)
    sources.removeAll(keepingCapacity: true)
    leaf = nil
  }

  private mutating func pin(_ node: TreeNode) {
    node.pinCount += 1
    pinned.append(node)
  }

  private func route(_ node: TreeNode) -> Int {
    guard let bound else { return isForward ? 0 : node.partCount - 1 }
    return bound.withUnsafeBytes {
      isForward || includesBound ? node.pivots.route(Bytes($0)) : node.pivots.routeBelow(Bytes($0))
    }
  }

  private func isBeyondLimit(_ key: [UInt8]?) -> Bool {
    guard let key, let limit else { return false }
    let order = limit.withUnsafeBytes { compare(key, Bytes($0)) }
    // Forward keys from `key` on, in reverse keys below it.
    return isForward ? order >= 0 : order <= 0
  }

  private func nearer(_ first: [UInt8]?, _ second: [UInt8]?) -> [UInt8]? {
    guard let first else { return second }
    guard let second else { return first }
    let isBefore = second.withUnsafeBytes { compare(first, Bytes($0)) } < 0
    return isBefore == isForward ? first : second
  }

  /// The lines of a run between the walk's place and a far bound.
  private func lines(_ run: borrowing CellRun, far: [UInt8]?) -> Range<Int> {
    let count = run.index.count
    func position(_ key: [UInt8]?, after: Bool, otherwise: Int) -> Int {
      guard let key else { return otherwise }
      return key.withUnsafeBytes { run.index.bound(Bytes($0), run.cells, after: after) }
    }
    let low: Int
    let high: Int
    if isForward {
      low = position(bound, after: !includesBound, otherwise: 0)
      high = position(far, after: false, otherwise: count)
    } else {
      low = position(far, after: false, otherwise: 0)
      high = position(bound, after: includesBound, otherwise: count)
    }
    return low..<max(low, high)
  }

  private mutating func clip(_ index: Int, far: [UInt8]?) {
    let source = sources[index]
    let range = lines(source.node.parts[source.part].run, far: far)
    sources[index].at = range.lowerBound
    sources[index].end = range.upperBound
  }

  /// Loads the basement the walk stands in and finds its lines.
  private mutating func enter() throws(StorageError) {
    guard let leaf else { return }
    at = 0
    end = 0
    if leaf.parts[basement].cellCount == 0 { return }
    try reader.table.loadPart(basement, of: leaf)
    let range = lines(leaf.parts[basement].run, far: limit)
    at = range.lowerBound
    end = range.upperBound
  }

  /// Reads the basement it stands in, and more of those that follow the longer the walk is.
  private mutating func readAhead(_ leaf: TreeNode) throws(StorageError) {
    if leaf.parts[basement].isLoaded { return }
    readAheadCount = min(Self.maximumReadAheadCount, readAheadCount * 2)
    let range =
      isForward
      ? basement..<min(leaf.partCount, basement + readAheadCount)
      : max(0, basement - readAheadCount + 1)..<(basement + 1)
    try reader.table.loadParts(range, of: leaf)
  }

  /// A walk begins anew somewhere else.
  mutating func forgetReadAhead() { readAheadCount = 1 }

  /// Goes to the next basement while the one it stands in has nothing left.
  private mutating func skipEmptyBasements() throws(StorageError) {
    guard let leaf else { return }
    while at >= end {
      let next = isForward ? basement + 1 : basement - 1
      if next < 0 || next >= leaf.partCount { return }
      basement = next
      try readAhead(leaf)
      try enter()
    }
  }

  @inline(__always) private func cell(_ node: TreeNode, _ part: Int, _ line: Int) -> UnsafeRawPointer {
    UnsafeRawPointer(node.parts[part].run.cells + Int(node.parts[part].run.index.lines[line].offset))
  }

  @inline(__always) private func head(_ node: TreeNode, _ part: Int, _ line: Int) -> UInt64 {
    node.parts[part].run.index.lines[line].head
  }

  /// How many entries ahead a cell is asked for.
  private static let cellDistance = 8

  /// Shows the leaf's next entries as they lie, up to the first key of a message that waits for one of them, and moves behind
  /// them. Values that lie elsewhere end it, too. Allocates nothing.
  ///
  /// - Returns: how many, and the last one's cell; none of both where buffers hold range deletes.
  mutating func showUndisturbed(
    _ limit: Int, _ body: (_ key: RawSpan, _ value: RawSpan) -> Void
  ) -> (count: Int, last: UnsafeRawPointer?) {
    guard let leaf, at < end else { return (0, nil) }
    let barrier: UInt64?
    switch nearestMessage() {
    case .nowhere: barrier = nil
    case .at(let head): barrier = head
    case .anywhere: return (0, nil)
    }
    let step = isForward ? 1 : -1
    let first = isForward ? at : end - 1
    let count = min(limit, end - at)
    let part = leaf.parts + basement
    let lines = part.pointee.run.index.lines
    let cells = UnsafeRawPointer(part.pointee.run.cells)
    let lineCount = part.pointee.run.index.count
    var shown = 0
    var last: UnsafeRawPointer?
    while shown < count {
      let index = first &+ shown &* step
      let ahead = index &+ Self.cellDistance &* step
      if ahead >= 0, ahead < lineCount {
        let next = cells + Int(lines[ahead].offset)
        betula_prefetch(next)
        betula_prefetch(next + 64)
      }
      let line = lines[index]
      // Heads that are alike may be of keys that are not: the merge looks at them.
      if let barrier, isForward ? line.head >= barrier : line.head <= barrier { break }
      let cell = cells + Int(line.offset)
      if Cell.isReference(cell) { break }
      body(Cell.key(cell).buffer.bytes, Cell.operand(cell).buffer.bytes)
      last = cell
      shown &+= 1
    }
    if isForward { at += shown } else { end -= shown }
    return (shown, last)
  }

  /// Where a buffer speaks about a key next.
  private enum NextMessage {
    case nowhere
    /// About a key with these first eight bytes.
    case at(UInt64)
    /// About ranges: perhaps about any key.
    case anywhere
  }

  private func nearestMessage() -> NextMessage {
    var nearest: UInt64?
    for source in sources {
      if !source.node.parts[source.part].run.rangeDeletes.isEmpty { return .anywhere }
      if source.at == source.end { continue }
      let head = head(source.node, source.part, isForward ? source.at : source.end - 1)
      if let known = nearest, isForward ? known <= head : known >= head { continue }
      nearest = head
    }
    return nearest.map { .at($0) } ?? .nowhere
  }

  /// Moves to the next key; its value is then in the reader's `value`, absent when the key is deleted.
  ///
  /// - Returns: the key, nil behind the leaf's last.
  mutating func next() throws(StorageError) -> Bytes? {
    try skipEmptyBasements()
    guard let leaf else { return nil }
    var best: UnsafeRawPointer?
    var bestHead: UInt64 = 0
    func offer(_ head: UInt64, _ candidate: UnsafeRawPointer) {
      if let current = best {
        let order =
          head != bestHead ? (head < bestHead ? -1 : 1) : Cell.key(candidate).compare(Cell.key(current))
        if isForward ? order >= 0 : order <= 0 { return }
      }
      best = candidate
      bestHead = head
    }
    if at < end {
      let line = isForward ? at : end - 1
      offer(head(leaf, basement, line), cell(leaf, basement, line))
    }
    for source in sources where source.at < source.end {
      let line = isForward ? source.at : source.end - 1
      offer(head(source.node, source.part, line), cell(source.node, source.part, line))
    }
    guard let best else { return nil }
    let key = Cell.key(best)
    try resolve(key, bestHead, leaf)
    return key
  }

  /// Computes a key's value and moves everybody past it.
  private mutating func resolve(
    _ key: Bytes, _ keyHead: UInt64, _ leaf: TreeNode
  ) throws(StorageError) {
    reader.value.makeAbsent()
    if at < end {
      let line = isForward ? at : end - 1
      let entry = cell(leaf, basement, line)
      if head(leaf, basement, line) == keyHead, Cell.key(entry).compare(key) == 0 {
        try reader.assign(entry)
        if isForward { at += 1 } else { end -= 1 }
      }
    }
    // The path was gathered from the root down: the deepest buffer is the last source.
    for index in sources.indices.reversed() {
      let source = sources[index]
      let run = source.node.parts + source.part
      var first = isForward ? source.at : source.end
      var last = first
      if isForward {
        while last < source.end, isKey(source, last, key, keyHead) { last += 1 }
        sources[index].at = last
      } else {
        while first > source.at, isKey(source, first - 1, key, keyHead) { first -= 1 }
        sources[index].end = first
      }
      if first == last, run.pointee.run.rangeDeletes.isEmpty { continue }
      messages.removeAll(keepingCapacity: true)
      _ = TreeReader.gather(key, run.pointee.run, &messages)
      for message in messages.reversed() {
        try reader.apply(message)
      }
    }
  }

  private func isKey(_ source: Source, _ line: Int, _ key: Bytes, _ keyHead: UInt64) -> Bool {
    head(source.node, source.part, line) == keyHead
      && Cell.key(cell(source.node, source.part, line)).compare(key) == 0
  }
}

// Checks the whole newest tree: every key within the bounds its path gives, every order, every count, every node's form
// (`TreeForm`); and measures how well nodes are filled.

import KeyValue
import Primitives
import Storage

/// What a pass over the tree found, by level, leaves first.
struct TreeMeasure {
  struct Level {
    var nodeCount = 0
    var childCount = 0
    var cellCount = 0
    var cellByteCount = 0
    /// The most message or entry bytes of a node.
    var largestContentByteCount = 0
    /// The most children of a node.
    var largestChildCount = 0
  }
  var levels: [Level] = []
  /// The root's message bytes, which may exceed a buffer by a batch.
  var rootContentByteCount = 0
}

/// Checks one tree.
struct TreeChecker {
  private let table: NodeTable
  private var seen: Set<UInt64> = []
  private var seenOverflow: Set<UInt64> = []
  private var measure = TreeMeasure()
  private var found = TreeShape()
  private var foundLevels = TreeLevels()

  init(_ table: NodeTable) { self.table = table }

  /// Checks everything. O(bytes of the tree); holds one path.
  ///
  /// - Throws: `.corrupted` for the first thing that is wrong.
  consuming func check() throws(StorageError) -> TreeMeasure {
    measure.levels = Array(repeating: TreeMeasure.Level(), count: table.shape.height + 1)
    found.root = table.shape.root
    found.rootBirth = table.shape.rootBirth
    found.height = table.shape.height
    try visit(
      table.shape.root, birth: table.shape.rootBirth, level: table.shape.height, lower: nil, upper: nil)
    guard found == table.shape else {
      throw corruption(0, "the root says \(table.shape), there is \(found)")
    }
    guard foundLevels == table.levels else {
      throw corruption(0, "the root says \(table.levels), there is \(foundLevels)")
    }
    let counted = table.volume.accounting().liveByteCount
    let own = UInt64(
      found.leafByteCount + found.innerByteCount + found.overflowByteCount + table.releasedByteCount)
    let isNumbered = table.copies != nil || table.volume.mappedNodeCount == seen.count
    guard counted == own, isNumbered else {
      throw corruption(
        0,
        "the volume counts \(counted) live bytes and \(table.volume.mappedNodeCount) nodes, the tree \(own) and "
          + "\(seen.count)")
    }
    return measure
  }

  private func corruption(_ offset: UInt64, _ detail: String) -> StorageError {
    .corrupted(structure: "Bε-tree", offset: offset, detail: detail)
  }

  private mutating func visit(
    _ number: UInt64, birth: UInt16, level: Int, lower: [UInt8]?, upper: [UInt8]?
  ) throws(StorageError) {
    guard seen.insert(number).inserted else { throw corruption(0, "two pointers lead to node \(number)") }
    let node = try table.node(number, birth: birth, level: level)
    node.pinCount += 1
    defer { node.pinCount -= 1 }
    found.count(level: level, nodes: 1, byteCount: table.deviceByteCount(of: node))
    foundLevels.count(level: level, contentByteCount: node.contentByteCount)
    if level == table.shape.height { measure.rootContentByteCount = node.contentByteCount }
    var line = measure.levels[level]
    line.nodeCount += 1
    line.childCount += level > 0 ? node.partCount : 0
    line.largestContentByteCount = max(line.largestContentByteCount, node.contentByteCount)
    line.largestChildCount = max(line.largestChildCount, level > 0 ? node.partCount : 0)
    line.cellByteCount += node.contentByteCount
    guard node.pivots.count + 1 == node.partCount else {
      throw corruption(node.extent.offset, "node \(number) has \(node.partCount) parts")
    }
    var content = 0
    for index in 0..<node.partCount {
      let low = node.lowerPivot(index) ?? lower
      let high = node.upperPivot(index) ?? upper
      if let low, let high, high.withUnsafeBytes({ compare(low, Bytes($0)) }) >= 0 {
        throw corruption(node.extent.offset, "part \(index) of node \(number) has no keys")
      }
      if node.parts[index].cellCount > 0 {
        try table.loadPart(index, of: node)
        if level > 0 { node.parts[index].run.orderMessages() }
        table.recharge(node)
        if let problem = Self.problem(
          node.parts[index].run, isBasement: level == 0, lower: low, upper: high)
        {
          throw corruption(node.extent.offset, "part \(index) of node \(number): \(problem)")
        }
        guard node.parts[index].run.count == node.parts[index].cellCount,
          node.parts[index].run.liveByteCount == node.parts[index].byteCount
        else { throw corruption(node.extent.offset, "part \(index) of node \(number) is miscounted") }
      }
      try visitLongOperands(index, of: node)
      line.cellCount += node.parts[index].cellCount
      content += node.parts[index].byteCount
      if level > 0 {
        measure.levels[level] = line
        try visit(
          node.parts[index].child, birth: node.parts[index].birth, level: level - 1, lower: low, upper: high)
        line = measure.levels[level]
      }
    }
    measure.levels[level] = line
    guard content == node.contentByteCount else {
      throw corruption(
        node.extent.offset, "node \(number) has \(content) bytes, it says \(node.contentByteCount)")
    }
    if !table.owesShape, let problem = table.problemOfForm(node) {
      throw corruption(node.extent.offset, "node \(number) of level \(level) is not well-formed: \(problem)")
    }
  }

  /// Reads every operand of a part that lies elsewhere.
  private mutating func visitLongOperands(_ index: Int, of node: TreeNode) throws(StorageError) {
    if table.shape.overflowCount == 0 { return }
    for line in 0..<node.parts[index].run.index.count {
      let cell = UnsafeRawPointer(
        node.parts[index].run.cells + Int(node.parts[index].run.index.lines[line].offset))
      guard Cell.isReference(cell) else { continue }
      let reference = Cell.reference(cell)
      guard seenOverflow.insert(reference.id).inserted else {
        throw corruption(node.extent.offset, "two cells refer to one long value")
      }
      found.overflowCount += 1
      found.overflowByteCount += try table.volume.extent(of: reference).byteCount
      _ = try table.overflow(reference, mayWrite: false)
    }
  }

  /// What is wrong with cells that belong to keys of [lower, upper).
  static func problem(
    _ run: borrowing CellRun, isBasement: Bool, lower: [UInt8]?, upper: [UInt8]?
  ) -> String? {
    var byteCount = 0
    for line in 0..<run.index.count {
      let cell = run.cells + Int(run.index.lines[line].offset)
      let key = Cell.key(cell)
      byteCount += Cell.byteCount(cell)
      if run.index.lines[line].head != key.head { return "line \(line) has a wrong head" }
      if line > 0 {
        let last = run.index.lines[line - 1]
        let order = Cell.key(run.cells + Int(last.offset)).compare(key)
        let isOrdered = order < 0 || (!isBasement && order == 0 && last.offset < run.index.lines[line].offset)
        if !isOrdered { return "line \(line) is out of order" }
      }
      if let lower, compare(lower, key) > 0 { return "line \(line) is below the part's keys" }
      if let upper, compare(upper, key) <= 0 { return "line \(line) is above the part's keys" }
    }
    for offset in run.rangeDeletes {
      let cell = run.cells + Int(offset)
      byteCount += Cell.byteCount(cell)
      if let lower, compare(lower, Cell.key(cell)) > 0 { return "a range begins below the part's keys" }
      if let upper, compare(upper, Cell.operand(cell)) < 0 { return "a range ends above the part's keys" }
    }
    if run.index.count + run.rangeDeletes.count != run.count {
      return "\(run.count) cells are said to be there"
    }
    return byteCount == run.liveByteCount
      ? nil : "its cells have \(byteCount) bytes, it says \(run.liveByteCount)"
  }
}

// Holding a page against its invariants: once, when its bytes come from the device, so that nothing that reads it later
// needs a bounds check; and again by `verify`.
//
// Invariant: whatever the bytes are, the answer is a page that every other function may trust, or a sentence. Nothing is
// read outside the page.

import Primitives

/// What a page must agree with beside itself.
struct NodeExpectation {
  /// The sizes of this tree.
  var geometry: NodeGeometry
  /// The bits of a page's id that say its length: units << 40.
  var pageLengthBits: UInt64
  /// Units of the volume.
  var unitCount: UInt64
  /// The level the parent leads to expect.
  var level: Int
}

extension NodePage {
  /// What is wrong with the page, nil when it keeps every invariant of `NodePage`. O(n).
  func problem(_ expected: NodeExpectation) -> String? {
    let kind = base.u8(16)
    guard kind == Self.leafKind || kind == Self.interiorKind else { return "its kind is \(kind)" }
    guard level == expected.level else { return "its level is \(level), not \(expected.level)" }
    guard isLeaf == (level == 0) else { return "its kind is \(kind) on level \(level)" }
    let longest = expected.geometry.maximumKeyByteCount
    guard lowerFenceByteCount <= longest, upperFenceByteCount <= longest else {
      return "its fences have \(lowerFenceByteCount) and \(upperFenceByteCount) bytes"
    }
    guard base.u16(26) <= 1 else { return "a reserved field is not zero" }
    guard insertPoint <= slotCount else { return "its latest insert is at \(insertPoint) of \(slotCount)" }
    guard hasUpperFence || upperFenceByteCount == 0 else { return "it has no upper fence, but bytes of one" }
    if let problem = fenceProblem() { return problem }
    let slotsEnd = Self.slotsStart + slotCount * Self.slotByteCount
    let end = fenceStart
    let start = cellStart
    guard slotsEnd <= start, start <= end else {
      return "\(slotCount) slots end at \(slotsEnd), cells lie in \(start)..<\(end)"
    }
    if isLeaf {
      guard base.u64(40) == 0 else { return "a leaf has a child" }
    } else {
      guard isPageID(base.u64(40), expected) else { return "child 0 is \(base.u64(40))" }
    }
    var cellBytes = 0
    for index in 0..<slotCount {
      if let problem = entryProblem(index, expected, &cellBytes) { return "entry \(index): \(problem)" }
    }
    guard cellBytes + holeByteCount == end - start else {
      return "\(cellBytes) bytes of cells and \(holeByteCount) of holes are not the \(end - start) there are"
    }
    return nil
  }

  private func fenceProblem() -> String? {
    let lower = lowerFence
    if !hasUpperFence { return prefixByteCount == 0 ? nil : "it has a prefix without an upper fence" }
    let upper = upperFence
    guard lower.compare(upper) < 0 else { return "its fences do not ascend" }
    let common = commonPrefixByteCount(lower.start, lower.count, upper.start, upper.count)
    return common == prefixByteCount
      ? nil : "its prefix has \(prefixByteCount) bytes, its fences share \(common)"
  }

  private func isPageID(_ id: UInt64, _ expected: NodeExpectation) -> Bool {
    let (start, count) = (PageID.start(id), expected.pageLengthBits >> 40)
    return PageID.lengthBits(id) == expected.pageLengthBits && start >= 2
      && start &+ count <= expected.unitCount
  }

  private func entryProblem(_ index: Int, _ expected: NodeExpectation, _ cellBytes: inout Int) -> String? {
    let offset = cellOffset(index)
    let room = fenceStart - offset
    guard offset >= cellStart, room >= cellHeadByteCount else { return "its cell is at \(offset)" }
    let suffixCount = suffixByteCount(index)
    guard prefixByteCount + suffixCount <= expected.geometry.maximumKeyByteCount else {
      return "its key has \(prefixByteCount + suffixCount) bytes"
    }
    let count = cellByteCount(index)
    guard count <= room else { return "its cell of \(count) bytes at \(offset) goes beyond the cells" }
    cellBytes += count
    let head = head(index)
    if suffixCount < 8, head << UInt64(8 * suffixCount) != 0 { return "its head is longer than its key" }
    if isLeaf {
      if hasOverflow(index) {
        let reference = overflowReference(index)
        let (start, units) = (PageID.start(reference.id), reference.id >> 40)
        guard units > 0, units < 1 << 23, start >= 2, start + units <= expected.unitCount,
          reference.byteCount < 1 << 40
        else { return "its value of \(reference.byteCount) bytes is at \(reference.id)" }
      }
    } else {
      guard isPageID(child(index + 1), expected) else { return "its child is \(child(index + 1))" }
    }
    return orderProblem(index, head)
  }

  private func orderProblem(_ index: Int, _ head: UInt64) -> String? {
    let suffix = suffix(index, head)
    if index > 0 {
      let before = self.head(index - 1)
      if before > head { return "it is not behind the one before" }
      if before == head, compareEqualHeads(index - 1, suffix.rest, suffix.count) >= 0 {
        return "it is not behind the one before"
      }
    }
    if index == 0, lowerFenceByteCount > prefixByteCount {
      let fence = Bytes(lowerFence.start + prefixByteCount, lowerFenceByteCount - prefixByteCount)
      if compareSuffix(index, fence) < 0 { return "it is below the lower fence" }
    }
    if hasUpperFence, index == slotCount - 1 {
      let fence = Bytes(upperFence.start + prefixByteCount, upperFenceByteCount - prefixByteCount)
      if compareSuffix(index, fence) >= 0 { return "it is not below the upper fence" }
    }
    return nil
  }

  private func suffix(_ index: Int, _ head: UInt64) -> (rest: UnsafeRawPointer, count: Int) {
    let cell = cell(index)
    return (UnsafeRawPointer(cell + cellHeadByteCount), Int(cell.u16(0)))
  }

  /// The order of slot `index` against a key with the same head, of which the bytes from the ninth on are at `rest`.
  private func compareEqualHeads(_ index: Int, _ rest: UnsafeRawPointer, _ count: Int) -> Int {
    let cell = cell(index)
    let own = Int(cell.u16(0))
    if own <= 8 || count <= 8 { return own - count }
    return compareKeys(cell + cellHeadByteCount, own - 8, rest, count - 8)
  }

  /// The order of slot `index` against a key without the page's prefix.
  func compareSuffix(_ index: Int, _ suffix: Bytes) -> Int {
    let (own, other) = (head(index), keyHead(suffix.start, suffix.count))
    if own != other { return own < other ? -1 : 1 }
    return compareEqualHeads(index, suffix)
  }

  /// Whether this page's fences are the separators around child `index` of `parent`.
  func hasFences(ofChild index: Int, of parent: NodePage) -> Bool {
    withUnsafeTemporaryAllocation(byteCount: byteCount / 2, alignment: 8) { memory in
      guard let target = memory.baseAddress else { return false }
      let lower = index == 0 ? parent.lowerFence : parent.copyKey(index - 1, to: target)
      if lower.compare(lowerFence) != 0 { return false }
      if index == parent.slotCount {
        if !parent.hasUpperFence { return !hasUpperFence }
        return hasUpperFence && parent.upperFence.compare(upperFence) == 0
      }
      return hasUpperFence && parent.copyKey(index, to: target).compare(upperFence) == 0
    }
  }
}

// Buckets: named key spaces in one volume, each a tree of its own, found through the catalogue tree.
//
//   engine root ─▶ catalogue   name ─▶ [ root, height, counts ]   ─▶ the bucket's tree
//
// Invariants
// 1. A bucket's record changes in the transaction that changes its tree.
// 2. The forest's sums over buckets are the sums of the records.
// 3. A snapshot keeps the catalogue's root with the others: the buckets of its commit are there while it lives, dropped or not.

import KeyValue
import Primitives
import Storage

extension BTreeEngine {
  /// Performs the actions of a transaction, in order.
  func perform(
    _ list: ActionList, _ transaction: inout VolumeTransaction
  ) throws(StorageError) {
    var selected: [UInt8] = []
    for action in list.actions {
      switch action {
      case .apply(let box):
        try perform(box, on: selected, &transaction)
      case .select(let name):
        selected = name
        try logOperation(.select, name)
      case .create(let name):
        if try bucketState(name) == nil { try record(TreeState(), for: name, &transaction) }
        try logOperation(.create, name)
      case .drop(let name):
        try drop(name, &transaction)
        try logOperation(.drop, name)
      }
    }
  }

  private func perform(
    _ box: BatchBox, on name: [UInt8], _ transaction: inout VolumeTransaction
  ) throws(StorageError) {
    if name.isEmpty {
      try apply(box.batch, to: &forest.main, &transaction)
    } else {
      guard var tree = try bucketState(name) else {
        throw .notFound(what: "bucket \(NodeStore.text(ofBucket: name))")
      }
      forest.buckets.add(tree, sign: -1)
      try apply(box.batch, to: &tree, &transaction)
      forest.buckets.add(tree)
      try record(tree, for: name, &transaction)
    }
    try logOperations(of: box.batch)
  }

  private func drop(
    _ name: [UInt8], _ transaction: inout VolumeTransaction
  ) throws(StorageError) {
    guard var tree = try bucketState(name) else { return }
    forest.buckets.add(tree, sign: -1)
    try writer.dropTree(&tree, &transaction)
    var batch = WriteBatch(reservedByteCount: 256)
    batch.delete(name)
    try apply(batch, to: &forest.catalogue, &transaction)
  }

  /// Keeps a bucket's tree in the catalogue.
  private func record(
    _ tree: TreeState, for name: [UInt8], _ transaction: inout VolumeTransaction
  ) throws(StorageError) {
    var bytes = [UInt8](repeating: 0, count: TreeState.byteCount)
    // Never nil: the array is not empty.
    bytes.withUnsafeMutableBytes { tree.encode(to: $0.baseAddress.unsafelyUnwrapped) }
    var batch = WriteBatch(reservedByteCount: 256)
    batch.put(name, bytes)
    try apply(batch, to: &forest.catalogue, &transaction)
  }

  /// The tree of a bucket, nil when there is none.
  func bucketState(_ name: [UInt8]) throws(StorageError) -> TreeState? {
    try store.bucketState(name, in: forest)
  }
}

extension NodeStore {
  /// The tree of a bucket in a state, nil when there is none.
  func bucketState(_ name: [UInt8], in forest: BTreeForest) throws(StorageError) -> TreeState? {
    var state: TreeState?
    var isFound = false
    var failure: StorageError?
    name.withUnsafeBytes { bytes in
      do throws(StorageError) {
        isFound = try get(Bytes(bytes), in: forest.catalogue) { value in
          value.withUnsafeBytes { state = TreeState(Bytes($0)) }
        }
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    if isFound, state == nil {
      throw .corrupted(
        structure: "bucket catalogue", offset: 0, detail: "the record of \(Self.text(ofBucket: name)) is none"
      )
    }
    return state
  }

  /// Names and trees of all buckets in a state, in order of names. O(buckets).
  func allBuckets(in forest: BTreeForest) throws(StorageError) -> [(name: [UInt8], tree: TreeState)] {
    var result: [(name: [UInt8], tree: TreeState)] = []
    let cursor = TreeCursor(self, forest.catalogue, .all, .forward, readAheadLeafCount: 16, owner: nil)
    while try cursor.advance() {
      var name: [UInt8] = []
      var tree: TreeState?
      cursor.withCurrent { key, value in
        name = bytes(of: key)
        value.withUnsafeBytes { tree = TreeState(Bytes($0)) }
      }
      guard let tree else {
        throw .corrupted(structure: "bucket catalogue", offset: 0, detail: "record \(result.count) is none")
      }
      result.append((name, tree))
    }
    return result
  }

  /// A bucket's name for people.
  static func text(ofBucket name: [UInt8]) -> String { "'" + String(decoding: name, as: UTF8.self) + "'" }
}

// The form of an engine's tree as columns of a phase's row.

import KeyValue
import Results

extension Row where Columns == RunColumns {
  /// Fills height, fanout, nodes, ε, buffer fill and messages per flush.
  ///
  /// - Parameters:
  ///   - report: the tree at the phase's end; nil for an engine that is no tree.
  ///   - earlier: the same at its start, for what moved in between.
  mutating func setTree(_ report: TreeReport?, since earlier: TreeReport?) {
    guard let report else { return }
    self.height = UInt64(report.height + 1)
    self.epsilonConfigured = report.configuredEpsilon
    self.epsilonUnit = report.epsilonUnit
    let inner = report.levels.dropFirst().reduce(UInt64(0)) { $0 + $1.nodeCount }
    let all = report.levels.reduce(UInt64(0)) { $0 + $1.nodeCount }
    if inner > 0 { self.fanout = Double(all - 1) / Double(inner) }
    for level in report.levels {
      setNodeCount(level.nodeCount, level: level.level)
      if let epsilon = level.effectiveEpsilon { setEffectiveEpsilon(epsilon, level: level.level) }
      if let fill = level.bufferFill { setBufferFill(fill, level: level.level) }
    }
    let sizes = earlier.map { report.messagesPerFlush.subtracting($0.messagesPerFlush) }
    self.messagesPerFlushP50 = (sizes ?? report.messagesPerFlush).percentile(50)
    self.messagesPerFlushP95 = (sizes ?? report.messagesPerFlush).percentile(95)
  }
}

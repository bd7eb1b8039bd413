// What the commits of a phase moved, as columns of `runs.csv`.

import Results

extension Row where Columns == RunColumns {
  /// Fills the tail of what a commit moved; leaves it empty when nothing was committed.
  mutating func setCommits(_ transfers: TransferHistograms) {
    let counts = transfers.commitTransfers
    let bytes = transfers.commitBytes
    guard counts.totalCount > 0 else { return }
    self.transfersPerCommitP50 = counts.valueAtPercentile(50)
    self.transfersPerCommitP99 = counts.valueAtPercentile(99)
    self.transfersPerCommitP999 = counts.valueAtPercentile(99.9)
    self.transfersPerCommitMax = counts.maxRecorded
    self.transferBytesPerCommitP50 = bytes.valueAtPercentile(50)
    self.transferBytesPerCommitP99 = bytes.valueAtPercentile(99)
    self.transferBytesPerCommitP999 = bytes.valueAtPercentile(99.9)
    self.transferBytesPerCommitMax = bytes.maxRecorded
  }
}

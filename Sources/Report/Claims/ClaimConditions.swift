// From a kind of claim to conditions on medians. Each kind is one function below; adding a kind is adding one.
//
// Conditions are looked at one by one and the worst decides. No allowance is made for their number: a claim with
// twenty steps that each hold with 95 % confidence is a claim about each step.

import Accounting
import Results

/// Makes the conditions of one claim.
struct ClaimConditions {
  let claim: ClaimRequest
  let study: JSONValue
  /// Every cell of every series, in order.
  private(set) var cells: [ClaimCell] = []
  private(set) var conditions: [ClaimCondition] = []
  /// What a reader should know of points left out.
  private(set) var remarks: [String] = []

  init(_ claim: ClaimRequest, _ source: ClaimCells) throws(ClaimDoubt) {
    self.claim = claim
    study = source.record.manifest.study.resolved
    var lines: [Range<Int>] = []
    for selector in claim.series {
      let found = try source.cells(selector, of: claim)
      lines.append(cells.count..<(cells.count + found.count))
      cells += found
    }
    if claim.over == nil, let many = lines.first(where: { $0.count > 1 }) {
      throw ClaimDoubt("'\(cells[many.lowerBound].name)' is \(many.count) points; name the axis with 'over'")
    }
    switch claim.kind {
    case .value: for line in lines { addValue(line) }
    case .ratio: addRatio(lines[0].lowerBound, lines[1].lowerBound)
    case .order: addOrder(lines.map(\.lowerBound))
    case .monotone: for (line, selector) in zip(lines, claim.series) { try addMonotone(line, selector.words) }
    case .slope, .fit: for (line, selector) in zip(lines, claim.series) { try addLine(line, selector.words) }
    case .crossover: try addCrossover(lines[0], lines[1])
    case .minimumAt: for (line, selector) in zip(lines, claim.series) { try addMinimum(line, selector.words) }
    case .withinFactor: for line in lines { try addPrediction(line) }
    }
  }

  /// The cells as samples: those whose repeats did the same operations are drawn together.
  var samples: [Sample] {
    var pairings: [[String]: Int] = [:]
    return cells.map { cell in
      let pairing = pairings[cell.streams] ?? pairings.count
      pairings[cell.streams] = pairing
      return Sample(cell.values, pairing: pairing)
    }
  }

  /// Whether cells of a condition are drawn together.
  func isPaired(_ condition: ClaimCondition) -> Bool {
    condition.places.count > 1 && Set(condition.places.map { cells[$0].streams }).count == 1
  }

  /// What a fair comparison keeps equal and the cells of a condition do not, the axis aside.
  func differingConditions(_ condition: ClaimCondition) -> [String] {
    let rows = condition.places.map { cells[$0].row }
    return Digest.conditions.filter { id in
      id != claim.over?.column && Set(rows.map { $0[id]?.spelling ?? "" }).count > 1
    }
  }

  /// later ÷ earlier, where 0 to 0 is no change and 0 to more is without bound.
  static func step(_ earlier: Double, _ later: Double) -> Double? {
    if earlier == later { return 1 }
    if earlier == 0 { return later > 0 ? .infinity : nil }
    return later / earlier
  }

  private func short(_ place: Int) -> String { cells[place].x.map { Numbers.short($0) } ?? cells[place].name }

  private mutating func add(
    _ name: String, _ places: [Int], _ ends: (lower: Double?, upper: Double?), isStrict: Bool = false,
    _ statistic: @escaping ([Double]) -> Double?
  ) {
    conditions.append(
      ClaimCondition(
        name: name, places: places, statistic: statistic, lower: ends.lower, upper: ends.upper,
        isStrict: isStrict))
  }

  private mutating func addValue(_ line: Range<Int>) {
    for place in line { add(cells[place].name, [place], claim.bounds.ends) { $0[place] } }
  }

  private mutating func addRatio(_ first: Int, _ second: Int) {
    add("\(cells[first].name) ÷ \(cells[second].name)", [first, second], claim.bounds.endsAboutOne) {
      $0[second] == 0 ? nil : $0[first] / $0[second]
    }
  }

  private mutating func addOrder(_ places: [Int]) {
    for (earlier, later) in zip(places, places.dropFirst()) {
      let factor = claim.bounds.atLeast
      add(
        "\(cells[later].name) ÷ \(cells[earlier].name)", [earlier, later], (factor ?? 1, nil),
        isStrict: factor == nil
      ) {
        Self.step($0[earlier], $0[later])
      }
    }
  }

  private func require(_ count: Int, of line: Range<Int>) throws(ClaimDoubt) {
    guard line.count < count else { return }
    let points = line.count == 1 ? "1 point" : "\(line.count) points"
    throw ClaimDoubt(
      "'\(cells[line.lowerBound].name)' has \(points) along \(claim.over?.path ?? "the axis"); \(count) are needed"
    )
  }

  private mutating func addMonotone(_ line: Range<Int>, _ series: String) throws(ClaimDoubt) {
    try require(2, of: line)
    let tolerance = claim.bounds.tolerance ?? 0
    if claim.direction == .flat {
      let places = Array(line)
      for place in line {
        add("\(series) at \(short(place)) ÷ its median over the axis", places, (1 - tolerance, 1 + tolerance))
        { medians in
          guard let middle = Statistics.median(places.map { medians[$0] }) else { return nil }
          return Self.step(middle, medians[place])
        }
      }
      return
    }
    for place in line.dropLast() {
      let pair = claim.direction == .rising ? (place, place + 1) : (place + 1, place)
      add(
        "\(series) at \(short(pair.1)) ÷ at \(short(pair.0))", [place, place + 1], (1 - tolerance, nil)
      ) { Self.step($0[pair.0], $0[pair.1]) }
    }
  }

  private mutating func addLine(_ line: Range<Int>, _ series: String) throws(ClaimDoubt) {
    try require(claim.kind == .fit ? 3 : 2, of: line)
    let places = Array(line)
    let xTransform = claim.xTransform ?? .linear
    let yTransform = claim.yTransform ?? .linear
    let x = places.map { cells[$0].x.flatMap { xTransform.apply($0) } }
    guard !x.contains(nil) else {
      throw ClaimDoubt("an x of '\(cells[places[0]].name)' has no \(xTransform.rawValue)")
    }
    let known = x.compactMap { $0 }
    let isFit = claim.kind == .fit
    let name = isFit ? "R² of \(series)" : "slope of \(series)"
    add("\(name) over \(places.count) points", places, claim.bounds.ends) { medians in
      let y = places.compactMap { yTransform.apply(medians[$0]) }
      guard y.count == known.count, let fitted = LeastSquaresLine(x: known, y: y) else { return nil }
      return isFit ? fitted.rSquared : fitted.slope
    }
  }

  private mutating func addCrossover(_ first: Range<Int>, _ second: Range<Int>) throws(ClaimDoubt) {
    let pairs = first.compactMap { place in
      second.first { cells[$0].x == cells[place].x }.map { (place, $0) }
    }
    guard pairs.count >= 2 else {
      throw ClaimDoubt("the two series share \(pairs.count) points along the axis; 2 are needed")
    }
    let transform = claim.xTransform ?? .linear
    let x = pairs.compactMap { pair in cells[pair.0].x.flatMap { transform.apply($0) } }
    guard x.count == pairs.count else { throw ClaimDoubt("an x has no \(transform.rawValue)") }
    let names = "\(claim.series[0].words) and \(claim.series[1].words)"
    let gaps = { (medians: [Double]) in pairs.map { medians[$0.0] - medians[$0.1] } }
    add("the x where \(names) cross", pairs.flatMap { [$0.0, $0.1] }, claim.bounds.ends) { medians in
      let turns = Self.turns(gaps(medians))
      guard turns.count == 1, let (left, right) = turns.first else { return nil }
      let gap = gaps(medians)
      let place = x[left] + (x[right] - x[left]) * (gap[left] / (gap[left] - gap[right]))
      return transform.undo(place)
    }
    conditions[conditions.count - 1].absence = { medians in
      let count = Self.turns(gaps(medians)).count
      return (
        count == 0 ? "\(names) do not cross along the axis" : "\(names) cross \(count) times along the axis",
        count == 0
      )
    }
  }

  /// The neighbours between which a difference changes its sign. A difference of 0 changes nothing by itself.
  static func turns(_ gaps: [Double]) -> [(Int, Int)] {
    let kept = gaps.indices.filter { gaps[$0] != 0 }
    return zip(kept, kept.dropFirst()).filter { (gaps[$0.0] > 0) != (gaps[$0.1] > 0) }
  }

  private mutating func addMinimum(_ line: Range<Int>, _ series: String) throws(ClaimDoubt) {
    try require(2, of: line)
    let places = Array(line)
    let x = places.map { cells[$0].x ?? 0 }
    add("the x where \(series) is smallest", places, claim.bounds.ends) { medians in
      var best = 0
      for index in places.indices where medians[places[index]] < medians[places[best]] { best = index }
      return x[best]
    }
  }

  private mutating func addPrediction(_ line: Range<Int>) throws(ClaimDoubt) {
    var found = 0
    for place in line {
      guard let predicted = try prediction(cells[place]), predicted != 0 else { continue }
      found += 1
      let words = claim.model == nil ? "published" : "model"
      add("\(cells[place].name) ÷ \(words) \(Numbers.short(predicted))", [place], claim.bounds.endsAboutOne) {
        $0[place] / predicted
      }
    }
    guard found > 0 else {
      let name = cells[line.lowerBound].name
      throw ClaimDoubt(
        claim.model.map { "the model '\($0)' says nothing about '\(name)'" }
          ?? "no published point has an x of '\(name)'")
    }
    if found < line.count {
      remarks.append("\(line.count - found) of \(line.count) points have no counterpart")
    }
  }

  private func prediction(_ cell: ClaimCell) throws(ClaimDoubt) -> Double? {
    if let name = claim.model {
      guard let model = Predictions.model(named: name) else {
        throw ClaimDoubt(
          "there is no model '\(name)'; there are \(Predictions.modelNames.joined(separator: ", "))")
      }
      return Predictions.Conditions(cell.row, study: study).flatMap { model.predict($0) }
    }
    guard let x = cell.x else { return claim.points?.first?.y }
    return claim.points?.first { ($0.x - x).magnitude <= 1e-9 * x.magnitude }?.y
  }
}

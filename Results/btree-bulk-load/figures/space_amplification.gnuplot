# Space amplification: load
# Draw again with: gnuplot space_amplification.gnuplot
# Reads space_amplification.csv, writes space_amplification.svg and space_amplification.png.

data = 'space_amplification.csv'
set datafile separator comma
set datafile columnheaders
set encoding utf8
set style fill solid 1.0 noborder
set tics nomirror out scale 0.6 noenhanced textcolor rgb '#222222'
set border 3 linecolor rgb '#666666'
set grid linetype 1 linewidth 0.8 linecolor rgb '#dddddd'
# Three digits that matter and a unit of thousands.
grouped(v) = v < 1000 ? sprintf('%d', v) : sprintf('%d,%03d', v / 1000, v % 1000)
digits(v) = v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) : sprintf('%.0f', v)
short(v) = v == 0 ? '0' : v < 0.00995 ? sprintf('%.2g', v) : v < 0.9995 ? sprintf('%.3f', v) : v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) : v < 99999.5 ? grouped(int(v + 0.5)) : v < 999500 ? sprintf('%.0f k', v / 1e3) : v < 9.995e8 ? digits(v / 1e6).' M' : v < 9.995e11 ? digits(v / 1e9).' G' : sprintf('%.3g', v)
set yrange [160:0]
set grid xtics noytics
set key off
of(s, p, m) = stringcolumn('series') eq s && stringcolumn('phase') eq p ? column(m) : NaN
at(d) = column('position') + d
# A logarithmic axis has no place for 0: its label stands where the axis begins.
seen(v, low) = v < low ? low : v

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,364 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,364 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'space_amplification.'.kind
  unset label
  unset object
  set label 1 'Space amplification: load' at screen 0.016, screen 0.9286 left noenhanced font ',22'
  set label 2 '400,000 records · batch 100 · durability prefix · memory 5.53 MiB · 3 seeds: median and 95 % interval' at screen 0.016, screen 0.8516 left noenhanced font ',15' textcolor rgb '#555555'
  set label 3 'memory device' at screen 0.016, screen 0.7940 left noenhanced font ',15' textcolor rgb '#555555'
  set multiplot
  set lmargin at screen 0.1720
  set rmargin at screen 0.9600
  set tmargin at screen 0.6484
  set bmargin at screen 0.2088
  unset logscale x
  set xrange [0.0:1.8557993730407525]
  set xtics ('0.0' 0.0, '0.5' 0.5, '1.0' 1.0, '1.5' 1.5)
  set xlabel 'allocated bytes ÷ live logical bytes' noenhanced
  set ytics ('btree bulk off' 43, 'btree bulk on' 121) scale 0
  set object rectangle from screen 0.1720, screen 0.6841 to screen 0.1860, screen 0.7225 front fillcolor rgb '#444444' fillstyle solid border linecolor rgb '#444444'
  set label 'sa_settled: owed work done' at screen 0.1940, screen 0.7033 left noenhanced font ',15'
  set object rectangle from screen 0.4420, screen 0.6841 to screen 0.4560, screen 0.7225 front fillcolor rgb '#878787' fillstyle solid border linecolor rgb '#444444'
  set label 'sa_live: at the phase''s end' at screen 0.4640, screen 0.7033 left noenhanced font ',15'
  set object rectangle from screen 0.7200, screen 0.6841 to screen 0.7340, screen 0.7225 front fillcolor rgb '#cbcbcb' fillstyle solid border linecolor rgb '#444444'
  set label 'sa_peak: at its largest' at screen 0.7420, screen 0.7033 left noenhanced font ',15'
  plot \
    data using (of('btree phase_load_bulk=false', 'load', 'sa_settled')):(at(-21.0)):(0.0):(column('sa_settled')):(at(-30.5)):(at(-11.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree phase_load_bulk=false', 'load', 'sa_settled_upper'), 0.0)):(at(-21.0)):(short(column('sa_settled'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree phase_load_bulk=false', 'load', 'sa_live')):(at(0.0)):(0.0):(column('sa_live')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#e4985c', \
    data using (seen(of('btree phase_load_bulk=false', 'load', 'sa_live_upper'), 0.0)):(at(0.0)):(short(column('sa_live'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree phase_load_bulk=false', 'load', 'sa_peak')):(at(21.0)):(0.0):(column('sa_peak')):(at(11.5)):(at(30.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#f3d2b8', \
    data using (seen(of('btree phase_load_bulk=false', 'load', 'sa_peak_upper'), 0.0)):(at(21.0)):(short(column('sa_peak'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree phase_load_bulk=true', 'load', 'sa_settled')):(at(-21.0)):(0.0):(column('sa_settled')):(at(-30.5)):(at(-11.5)) with boxxyerror fillstyle solid border linecolor rgb '#f0c7a6' fillcolor rgb '#f0c7a6', \
    data using (seen(of('btree phase_load_bulk=true', 'load', 'sa_settled_upper'), 0.0)):(at(-21.0)):(short(column('sa_settled'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree phase_load_bulk=true', 'load', 'sa_live')):(at(0.0)):(0.0):(column('sa_live')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#f0c7a6' fillcolor rgb '#f5dbc6', \
    data using (seen(of('btree phase_load_bulk=true', 'load', 'sa_live_upper'), 0.0)):(at(0.0)):(short(column('sa_live'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree phase_load_bulk=true', 'load', 'sa_peak')):(at(21.0)):(0.0):(column('sa_peak')):(at(11.5)):(at(30.5)) with boxxyerror fillstyle solid border linecolor rgb '#f0c7a6' fillcolor rgb '#fbefe6', \
    data using (seen(of('btree phase_load_bulk=true', 'load', 'sa_peak_upper'), 0.0)):(at(21.0)):(short(column('sa_peak'))) with labels left offset char 0.4,0 noenhanced font ',15'
  unset label
  unset object
  unset multiplot
  unset output
}

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
set yrange [232:0]
set grid xtics noytics
set key off
of(s, p, m) = stringcolumn('series') eq s && stringcolumn('phase') eq p ? column(m) : NaN
at(d) = column('position') + d
# A logarithmic axis has no place for 0: its label stands where the axis begins.
seen(v, low) = v < low ? low : v

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,436 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,436 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'space_amplification.'.kind
  unset label
  unset object
  set label 1 'Space amplification: load' at screen 0.016, screen 0.9404 left noenhanced font ',22'
  set label 2 '3,000 records · batch 1 · durability each_commit · memory 64 MiB · 3 seeds: median and 95 % interval' at screen 0.016, screen 0.8761 left noenhanced font ',15' textcolor rgb '#555555'
  set label 3 'file (direct) device' at screen 0.016, screen 0.8280 left noenhanced font ',15' textcolor rgb '#555555'
  set multiplot
  set lmargin at screen 0.1420
  set rmargin at screen 0.9600
  set tmargin at screen 0.7064
  set bmargin at screen 0.1743
  set logscale x 10
  set xrange [0.1:430.48582679162973]
  set xtics ('0.1' 0.1, '0.3' 0.3, '1' 1.0, '3' 3.0, '10' 10.0, '30' 30.0, '100' 100.0, '300' 300.0)
  set xlabel 'allocated bytes ÷ live logical bytes, log scale' noenhanced
  set ytics ('btree' 32, 'btree-log' 89, 'sqlite' 146, 'sqlite-unix' 203) scale 0
  set object rectangle from screen 0.1420, screen 0.7362 to screen 0.1560, screen 0.7683 front fillcolor rgb '#444444' fillstyle solid border linecolor rgb '#444444'
  set label 'sa_live: at the phase''s end' at screen 0.1640, screen 0.7523 left noenhanced font ',15'
  set object rectangle from screen 0.4200, screen 0.7362 to screen 0.4340, screen 0.7683 front fillcolor rgb '#cbcbcb' fillstyle solid border linecolor rgb '#444444'
  set label 'sa_peak: at its largest' at screen 0.4420, screen 0.7523 left noenhanced font ',15'
  plot \
    data using (of('btree', 'load', 'sa_live')):(at(-10.5)):(0.1):(column('sa_live')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (of('btree', 'load', 'sa_live')):(at(-10.5)):(column('sa_live_lower')):(column('sa_live_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('btree', 'load', 'sa_live_upper'), 0.1)):(at(-10.5)):(short(column('sa_live'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree', 'load', 'sa_peak')):(at(10.5)):(0.1):(column('sa_peak')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#f3d2b8', \
    data using (seen(of('btree', 'load', 'sa_peak_upper'), 0.1)):(at(10.5)):(short(column('sa_peak'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log', 'load', 'sa_live')):(at(-10.5)):(0.1):(column('sa_live')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#753400' fillcolor rgb '#753400', \
    data using (of('btree-log', 'load', 'sa_live')):(at(-10.5)):(column('sa_live_lower')):(column('sa_live_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('btree-log', 'load', 'sa_live_upper'), 0.1)):(at(-10.5)):(short(column('sa_live'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log', 'load', 'sa_peak')):(at(10.5)):(0.1):(column('sa_peak')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#753400' fillcolor rgb '#d8c6b8', \
    data using (seen(of('btree-log', 'load', 'sa_peak_upper'), 0.1)):(at(10.5)):(short(column('sa_peak'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'load', 'sa_live')):(at(-10.5)):(0.1):(column('sa_live')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (of('sqlite', 'load', 'sa_live')):(at(-10.5)):(column('sa_live_lower')):(column('sa_live_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('sqlite', 'load', 'sa_live_upper'), 0.1)):(at(-10.5)):(short(column('sa_live'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'load', 'sa_peak')):(at(10.5)):(0.1):(column('sa_peak')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#b8d8e9', \
    data using (of('sqlite', 'load', 'sa_peak')):(at(10.5)):(column('sa_peak_lower')):(column('sa_peak_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('sqlite', 'load', 'sa_peak_upper'), 0.1)):(at(10.5)):(short(column('sa_peak'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-unix', 'load', 'sa_live')):(at(-10.5)):(0.1):(column('sa_live')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#003f62' fillcolor rgb '#003f62', \
    data using (of('sqlite-unix', 'load', 'sa_live')):(at(-10.5)):(column('sa_live_lower')):(column('sa_live_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('sqlite-unix', 'load', 'sa_live_upper'), 0.1)):(at(-10.5)):(short(column('sa_live'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-unix', 'load', 'sa_peak')):(at(10.5)):(0.1):(column('sa_peak')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#003f62' fillcolor rgb '#b8c9d3', \
    data using (seen(of('sqlite-unix', 'load', 'sa_peak_upper'), 0.1)):(at(10.5)):(short(column('sa_peak'))) with labels left offset char 0.4,0 noenhanced font ',15'
  unset label
  unset object
  unset multiplot
  unset output
}

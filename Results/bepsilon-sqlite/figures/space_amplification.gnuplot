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
set yrange [472:0]
set grid xtics noytics
set key off
of(s, p, m) = stringcolumn('series') eq s && stringcolumn('phase') eq p ? column(m) : NaN
at(d) = column('position') + d
# A logarithmic axis has no place for 0: its label stands where the axis begins.
seen(v, low) = v < low ? low : v

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,676 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,676 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'space_amplification.'.kind
  unset label
  unset object
  set label 1 'Space amplification: load' at screen 0.016, screen 0.9615 left noenhanced font ',22'
  set label 2 '5,000,000 records · batch 1,000 · durability prefix, at_checkpoints · memory 2 GiB' at screen 0.016, screen 0.9201 left noenhanced font ',15' textcolor rgb '#555555'
  set label 3 '3 seeds: median and 95 % interval · memory device' at screen 0.016, screen 0.8891 left noenhanced font ',15' textcolor rgb '#555555'
  set multiplot
  set lmargin at screen 0.1420
  set rmargin at screen 0.9600
  set tmargin at screen 0.8107
  set bmargin at screen 0.1124
  unset logscale x
  set xrange [0.0:36.720789968652035]
  set xtics ('0' 0.0, '5' 5.0, '10' 10.0, '15' 15.0, '20' 20.0, '25' 25.0, '30' 30.0, '35' 35.0)
  set xlabel 'allocated bytes ÷ live logical bytes' noenhanced
  set ytics ('be-256k' 43, 'be-1m' 121, 'be-4m' 199, 'btree-log' 277, 'sqlite' 355, 'sqlite-unix' 433) scale 0
  set object rectangle from screen 0.1420, screen 0.8299 to screen 0.1560, screen 0.8506 front fillcolor rgb '#444444' fillstyle solid border linecolor rgb '#444444'
  set label 'sa_settled: owed work done' at screen 0.1640, screen 0.8402 left noenhanced font ',15'
  set object rectangle from screen 0.4120, screen 0.8299 to screen 0.4260, screen 0.8506 front fillcolor rgb '#878787' fillstyle solid border linecolor rgb '#444444'
  set label 'sa_live: at the phase''s end' at screen 0.4340, screen 0.8402 left noenhanced font ',15'
  set object rectangle from screen 0.6900, screen 0.8299 to screen 0.7040, screen 0.8506 front fillcolor rgb '#cbcbcb' fillstyle solid border linecolor rgb '#444444'
  set label 'sa_peak: at its largest' at screen 0.7120, screen 0.8402 left noenhanced font ',15'
  plot \
    data using (of('be-256k', 'load', 'sa_settled')):(at(-21.0)):(0.0):(column('sa_settled')):(at(-30.5)):(at(-11.5)) with boxxyerror fillstyle solid border linecolor rgb '#cc79a7' fillcolor rgb '#cc79a7', \
    data using (of('be-256k', 'load', 'sa_settled')):(at(-21.0)):(column('sa_settled_lower')):(column('sa_settled_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('be-256k', 'load', 'sa_settled_upper'), 0.0)):(at(-21.0)):(short(column('sa_settled'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-256k', 'load', 'sa_live')):(at(0.0)):(0.0):(column('sa_live')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#cc79a7' fillcolor rgb '#dea9c7', \
    data using (of('be-256k', 'load', 'sa_live')):(at(0.0)):(column('sa_live_lower')):(column('sa_live_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('be-256k', 'load', 'sa_live_upper'), 0.0)):(at(0.0)):(short(column('sa_live'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-256k', 'load', 'sa_peak')):(at(21.0)):(0.0):(column('sa_peak')):(at(11.5)):(at(30.5)) with boxxyerror fillstyle solid border linecolor rgb '#cc79a7' fillcolor rgb '#f1d9e6', \
    data using (of('be-256k', 'load', 'sa_peak')):(at(21.0)):(column('sa_peak_lower')):(column('sa_peak_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('be-256k', 'load', 'sa_peak_upper'), 0.0)):(at(21.0)):(short(column('sa_peak'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-1m', 'load', 'sa_settled')):(at(-21.0)):(0.0):(column('sa_settled')):(at(-30.5)):(at(-11.5)) with boxxyerror fillstyle solid border linecolor rgb '#e69f00' fillcolor rgb '#e69f00', \
    data using (of('be-1m', 'load', 'sa_settled')):(at(-21.0)):(column('sa_settled_lower')):(column('sa_settled_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('be-1m', 'load', 'sa_settled_upper'), 0.0)):(at(-21.0)):(short(column('sa_settled'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-1m', 'load', 'sa_live')):(at(0.0)):(0.0):(column('sa_live')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#e69f00' fillcolor rgb '#efc25c', \
    data using (of('be-1m', 'load', 'sa_live')):(at(0.0)):(column('sa_live_lower')):(column('sa_live_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('be-1m', 'load', 'sa_live_upper'), 0.0)):(at(0.0)):(short(column('sa_live'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-1m', 'load', 'sa_peak')):(at(21.0)):(0.0):(column('sa_peak')):(at(11.5)):(at(30.5)) with boxxyerror fillstyle solid border linecolor rgb '#e69f00' fillcolor rgb '#f8e4b8', \
    data using (of('be-1m', 'load', 'sa_peak')):(at(21.0)):(column('sa_peak_lower')):(column('sa_peak_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('be-1m', 'load', 'sa_peak_upper'), 0.0)):(at(21.0)):(short(column('sa_peak'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-4m', 'load', 'sa_settled')):(at(-21.0)):(0.0):(column('sa_settled')):(at(-30.5)):(at(-11.5)) with boxxyerror fillstyle solid border linecolor rgb '#56b4e9' fillcolor rgb '#56b4e9', \
    data using (of('be-4m', 'load', 'sa_settled')):(at(-21.0)):(column('sa_settled_lower')):(column('sa_settled_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('be-4m', 'load', 'sa_settled_upper'), 0.0)):(at(-21.0)):(short(column('sa_settled'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-4m', 'load', 'sa_live')):(at(0.0)):(0.0):(column('sa_live')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#56b4e9' fillcolor rgb '#93cff1', \
    data using (of('be-4m', 'load', 'sa_live')):(at(0.0)):(column('sa_live_lower')):(column('sa_live_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('be-4m', 'load', 'sa_live_upper'), 0.0)):(at(0.0)):(short(column('sa_live'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('be-4m', 'load', 'sa_peak')):(at(21.0)):(0.0):(column('sa_peak')):(at(11.5)):(at(30.5)) with boxxyerror fillstyle solid border linecolor rgb '#56b4e9' fillcolor rgb '#d0eaf9', \
    data using (of('be-4m', 'load', 'sa_peak')):(at(21.0)):(column('sa_peak_lower')):(column('sa_peak_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('be-4m', 'load', 'sa_peak_upper'), 0.0)):(at(21.0)):(short(column('sa_peak'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log', 'load', 'sa_settled')):(at(-21.0)):(0.0):(column('sa_settled')):(at(-30.5)):(at(-11.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (of('btree-log', 'load', 'sa_settled')):(at(-21.0)):(column('sa_settled_lower')):(column('sa_settled_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('btree-log', 'load', 'sa_settled_upper'), 0.0)):(at(-21.0)):(short(column('sa_settled'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log', 'load', 'sa_live')):(at(0.0)):(0.0):(column('sa_live')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#e4985c', \
    data using (of('btree-log', 'load', 'sa_live')):(at(0.0)):(column('sa_live_lower')):(column('sa_live_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('btree-log', 'load', 'sa_live_upper'), 0.0)):(at(0.0)):(short(column('sa_live'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree-log', 'load', 'sa_peak')):(at(21.0)):(0.0):(column('sa_peak')):(at(11.5)):(at(30.5)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#f3d2b8', \
    data using (of('btree-log', 'load', 'sa_peak')):(at(21.0)):(column('sa_peak_lower')):(column('sa_peak_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('btree-log', 'load', 'sa_peak_upper'), 0.0)):(at(21.0)):(short(column('sa_peak'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'load', 'sa_settled')):(at(-21.0)):(0.0):(column('sa_settled')):(at(-30.5)):(at(-11.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (of('sqlite', 'load', 'sa_settled')):(at(-21.0)):(column('sa_settled_lower')):(column('sa_settled_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('sqlite', 'load', 'sa_settled_upper'), 0.0)):(at(-21.0)):(short(column('sa_settled'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'load', 'sa_live')):(at(0.0)):(0.0):(column('sa_live')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#5ca5ce', \
    data using (of('sqlite', 'load', 'sa_live')):(at(0.0)):(column('sa_live_lower')):(column('sa_live_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('sqlite', 'load', 'sa_live_upper'), 0.0)):(at(0.0)):(short(column('sa_live'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'load', 'sa_peak')):(at(21.0)):(0.0):(column('sa_peak')):(at(11.5)):(at(30.5)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#b8d8e9', \
    data using (of('sqlite', 'load', 'sa_peak')):(at(21.0)):(column('sa_peak_lower')):(column('sa_peak_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('sqlite', 'load', 'sa_peak_upper'), 0.0)):(at(21.0)):(short(column('sa_peak'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-unix', 'load', 'sa_live')):(at(0.0)):(0.0):(column('sa_live')):(at(-9.5)):(at(9.5)) with boxxyerror fillstyle solid border linecolor rgb '#003f62' fillcolor rgb '#5c849b', \
    data using (of('sqlite-unix', 'load', 'sa_live')):(at(0.0)):(column('sa_live_lower')):(column('sa_live_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('sqlite-unix', 'load', 'sa_live_upper'), 0.0)):(at(0.0)):(short(column('sa_live'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite-unix', 'load', 'sa_peak')):(at(21.0)):(0.0):(column('sa_peak')):(at(11.5)):(at(30.5)) with boxxyerror fillstyle solid border linecolor rgb '#003f62' fillcolor rgb '#b8c9d3', \
    data using (of('sqlite-unix', 'load', 'sa_peak')):(at(21.0)):(column('sa_peak_lower')):(column('sa_peak_upper')) with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '#222222', \
    data using (seen(of('sqlite-unix', 'load', 'sa_peak_upper'), 0.0)):(at(21.0)):(short(column('sa_peak'))) with labels left offset char 0.4,0 noenhanced font ',15'
  unset label
  unset object
  unset multiplot
  unset output
}

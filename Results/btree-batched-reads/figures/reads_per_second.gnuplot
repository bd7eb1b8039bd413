# Cold reads a second, by keys asked for together
# Draw again with: gnuplot reads_per_second.gnuplot
# Reads reads_per_second.csv, writes reads_per_second.svg and reads_per_second.png.

data = 'reads_per_second.csv'
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
set lmargin at screen 0.1090
set rmargin at screen 0.8030
set tmargin at screen 0.8085
set bmargin at screen 0.1348
set key off
is(s) = stringcolumn('line') eq s
set logscale x 10
set xrange [0.9:70.4]
set xtics ('1' 1.0, '2' 2.0, '4' 4.0, '8' 8.0, '16' 16.0, '32' 32.0, '64' 64.0)
set xlabel 'keys per get, log scale' noenhanced
unset logscale y
set yrange [0.0:73524.39699893526]
set ytics ('0' 0.0, '10,000' 10000.0, '20,000' 20000.0, '30,000' 30000.0, '40,000' 40000.0, '50,000' 50000.0, '60,000' 60000.0, '70,000' 70000.0)
set ylabel 'Throughput (operations/s)' noenhanced
set ylabel offset char -1.5,0

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,564 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,564 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'reads_per_second.'.kind
  unset label
  unset object
  set label 1 'Cold reads a second, by keys asked for together' at screen 0.016, screen 0.9539 left noenhanced font ',22'
  set label 2 '1,000,000 records · batch 1,000 · durability prefix, at_checkpoints · memory 13.8 MiB' at screen 0.016, screen 0.9043 left noenhanced font ',15' textcolor rgb '#555555'
  set label 3 '3 seeds: median and 95 % interval · file (direct) device' at screen 0.016, screen 0.8670 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.8210, screen 0.7837 to screen 0.8430, screen 0.7908 front fillcolor rgb '#d55e00' fillstyle solid noborder
  set label '' at screen 0.8320, screen 0.7872 front point pointtype 7 pointsize 1.1 linecolor rgb '#d55e00'
  set label 'btree: 67,537' at screen 0.8510, screen 0.7872 left noenhanced font ',16'
  set object rectangle from screen 0.8210, screen 0.7411 to screen 0.8430, screen 0.7482 front fillcolor rgb '#0072b2' fillstyle solid noborder
  set label '' at screen 0.8320, screen 0.7447 front point pointtype 7 pointsize 1.1 linecolor rgb '#0072b2'
  set label 'sqlite: 12,613' at screen 0.8510, screen 0.7447 left noenhanced font ',16'
  plot \
    data using (is('btree') ? column('x') : NaN):(column('lower')):(column('upper')) with filledcurves fillcolor rgb '#f2cfb3' fillstyle transparent solid 0.5 noborder, \
    data using (is('btree') ? column('x') : NaN):(column('median')):(column('lower')):(column('upper')) with yerrorbars pointtype 0 linewidth 1.2 linecolor rgb '#d55e00', \
    data using (is('sqlite') ? column('x') : NaN):(column('lower')):(column('upper')) with filledcurves fillcolor rgb '#b3d5e8' fillstyle transparent solid 0.5 noborder, \
    data using (is('sqlite') ? column('x') : NaN):(column('median')):(column('lower')):(column('upper')) with yerrorbars pointtype 0 linewidth 1.2 linecolor rgb '#0072b2', \
    data using (is('btree') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#d55e00', \
    data using (is('sqlite') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#0072b2'
  unset output
}

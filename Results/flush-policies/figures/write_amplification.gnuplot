# Bytes written into nodes for each byte, by fanout
# Draw again with: gnuplot write_amplification.gnuplot
# Reads write_amplification.csv, writes write_amplification.svg and write_amplification.png.

data = 'write_amplification.csv'
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
set lmargin at screen 0.1040
set rmargin at screen 0.7750
set tmargin at screen 0.8398
set bmargin at screen 0.1400
set key off
is(s) = stringcolumn('line') eq s
set logscale x 10
set xrange [3.6:70.4]
set xtics ('4' 4.0, '8' 8.0, '16' 16.0, '32' 32.0, '64' 64.0)
set xlabel 'fanout, log scale' noenhanced
unset logscale y
set yrange [0.0:36.142232540689655]
set ytics ('0' 0.0, '5' 5.0, '10' 10.0, '15' 15.0, '20' 20.0, '25' 25.0, '30' 30.0, '35' 35.0)
set ylabel 'Write amplification, data (byte/byte)' noenhanced
set ylabel offset char -1.5,0

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,543 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,543 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'write_amplification.'.kind
  unset label
  unset object
  set label 1 'Bytes written into nodes for each byte, by fanout' at screen 0.016, screen 0.9521 left noenhanced font ',22'
  set label 2 '1,000,000 records · batch 1 · durability prefix · memory 16 MiB · seed 5103132997656651 · memory device' at screen 0.016, screen 0.9006 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.7930, screen 0.8140 to screen 0.8150, screen 0.8214 front fillcolor rgb '#cc79a7' fillstyle solid noborder
  set label '' at screen 0.8040, screen 0.8177 front point pointtype 7 pointsize 1.1 linecolor rgb '#cc79a7'
  set label 'all: 34.1' at screen 0.8230, screen 0.8177 left noenhanced font ',16'
  set object rectangle from screen 0.7930, screen 0.7698 to screen 0.8150, screen 0.7772 front fillcolor rgb '#d55e00' fillstyle solid noborder
  set label '' at screen 0.8040, screen 0.7735 front point pointtype 7 pointsize 1.1 linecolor rgb '#d55e00'
  set label 'random: 29.1' at screen 0.8230, screen 0.7735 left noenhanced font ',16'
  set object rectangle from screen 0.7930, screen 0.7256 to screen 0.8150, screen 0.7330 front fillcolor rgb '#f0e442' fillstyle solid noborder
  set label '' at screen 0.8040, screen 0.7293 front point pointtype 7 pointsize 1.1 linecolor rgb '#f0e442'
  set label 'cache-aware: 17.5' at screen 0.8230, screen 0.7293 left noenhanced font ',16'
  set object rectangle from screen 0.7930, screen 0.6814 to screen 0.8150, screen 0.6888 front fillcolor rgb '#000000' fillstyle solid noborder
  set label '' at screen 0.8040, screen 0.6851 front point pointtype 7 pointsize 1.1 linecolor rgb '#000000'
  set label 'fullest: 15.9' at screen 0.8230, screen 0.6851 left noenhanced font ',16'
  set object rectangle from screen 0.7930, screen 0.6372 to screen 0.8150, screen 0.6446 front fillcolor rgb '#999999' fillstyle solid noborder
  set label '' at screen 0.8040, screen 0.6409 front point pointtype 7 pointsize 1.1 linecolor rgb '#999999'
  set label 'round-robin: 14.5' at screen 0.8230, screen 0.6409 left noenhanced font ',16'
  plot \
    data using (is('fullest') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#000000', \
    data using (is('all') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#cc79a7', \
    data using (is('round-robin') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#999999', \
    data using (is('random') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#d55e00', \
    data using (is('cache-aware') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#f0e442'
  unset output
}
